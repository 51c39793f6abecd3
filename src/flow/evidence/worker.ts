/** A thread that examines one large document; see aside.ts. */

import { parentPort, workerData } from 'node:worker_threads';
import { examineDocument, type Order } from './examine.ts';

parentPort?.postMessage(await examineDocument(workerData as Order));
