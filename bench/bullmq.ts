/** The baseline for runs: no-op jobs of BullMQ at concurrency 50. Prints jobs per second. `node bench/bullmq.ts <port> <jobs>` */
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';

const [port = '', jobs = ''] = process.argv.slice(2);
const connection = new Redis({ port: Number(port), maxRetriesPerRequest: null });
const queue = new Queue('bare', { connection });
const count = Number(jobs);
const batch = 1000;
for (let added = 0; added < count; added += batch)
  await queue.addBulk(
    Array.from({ length: batch }, (_, n) => ({ name: 'job', data: { n }, opts: { removeOnComplete: true } })),
  );
const began = performance.now();
let done = 0;
await new Promise<void>(resolve => {
  const worker = new Worker('bare', async () => void (++done === count && resolve()), { connection, concurrency: 50 });
  worker.on('error', error => console.error(error.message));
});
console.log(Math.round((count / (performance.now() - began)) * 1000));
process.exit(0);
