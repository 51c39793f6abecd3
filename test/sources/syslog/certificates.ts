import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { programPath } from '../../real/programs.ts';

/** The files of a certificate and its key. */
export interface Pair {
  cert: string;
  key: string;
}

/** Makes an authority in the folder, and certificates of it for 127.0.0.1 and localhost with a common name. */
export function makeAuthority(
  folder: string,
  name = 'ca',
): { ca: string; issue(commonName: string, days?: number): Pair } {
  const at = (file: string) => join(folder, file);
  const ca = at(`${name}.pem`);
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  run(['req', '-x509', ...curve, '-keyout', at(`${name}.key`), '-out', ca, '-days', '2', '-subj', `/CN=${name}`]);
  return {
    ca,
    issue(commonName, days = 2) {
      const [key, request, cert, ext] = ['key', 'csr', 'pem', 'ext'].map(end => at(`${name}-${commonName}.${end}`));
      if (key === undefined || request === undefined || cert === undefined || ext === undefined) throw new Error();
      writeFileSync(ext, `subjectAltName=DNS:${commonName},IP:127.0.0.1,DNS:localhost\n`);
      run(['req', ...curve, '-keyout', key, '-out', request, '-subj', `/CN=${commonName}`]);
      const by = ['-CA', ca, '-CAkey', at(`${name}.key`), '-CAcreateserial', '-days', String(days)];
      run(['x509', '-req', '-in', request, '-out', cert, ...by, '-extfile', ext]);
      return { cert, key };
    },
  };
}

function run(words: readonly string[]): void {
  const { status, stderr } = spawnSync(programPath('openssl'), words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl ${words.join(' ')}: ${stderr}`);
}
