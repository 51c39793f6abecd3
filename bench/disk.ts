/** `node bench/disk.ts [FOLDER]`: how long an fsync of a written page takes there, ms. */
import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { middle } from './report.ts';

/** The median of 100 times, milliseconds: 4 KB are appended and brought to the disk. */
export function timeFsync(folder: string): number {
  const path = join(folder, `fsync-${process.pid}`);
  const file = openSync(path, 'w');
  const page = Buffer.alloc(4096, 1);
  try {
    return middle(
      Array.from({ length: 100 }, () => {
        writeSync(file, page);
        const began = performance.now();
        fsyncSync(file);
        return performance.now() - began;
      }),
    );
  } finally {
    closeSync(file);
    rmSync(path);
  }
}

if (import.meta.main) console.log(timeFsync(process.argv[2] ?? tmpdir()).toFixed(2));
