import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { freePort } from './free-port.ts';
import { startHaproxy } from './haproxy.ts';
import { startMariadb } from './mariadb.ts';
import { startNginx } from './nginx.ts';
import { missingPrograms } from './programs.ts';
import { startSshd } from './sshd.ts';

test.skipIf(missingPrograms('sshd', 'ssh') !== null)('sshd takes its own client', async () => {
  const sshd = await startSshd();
  try {
    const [file = '', ...args] = sshd.ssh;
    const ran = spawnSync(file, [...args, '-o', 'BatchMode=yes', 'web-1', '--', 'echo', 'hello'], { encoding: 'utf8' });
    expect([ran.status, ran.stdout, ran.stderr]).toEqual([0, 'hello\n', '']);
  } finally {
    await sshd.stop();
  }
});
test.skipIf(missingPrograms('mariadbd', 'mariadb') !== null)('MariaDB answers', async () => {
  const db = await startMariadb();
  try {
    expect(db.ask('select 1, 2')).toEqual([['1', '2']]);
  } finally {
    await db.stop();
  }
});

test.skipIf(missingPrograms('nginx', 'haproxy') !== null)('HAProxy passes on to nginx', async () => {
  const [a, b] = [await freePort(), await freePort()];
  const nginx = await startNginx(`server { listen 127.0.0.1:${a}; location / { return 200 "hello"; } }\n`, a);
  const haproxy = await startHaproxy(
    `frontend f\n  bind 127.0.0.1:${b}\n  default_backend g\nbackend g\n  server s 127.0.0.1:${a}\n`,
    b,
  );
  try {
    expect(await (await fetch(`http://127.0.0.1:${b}/`)).text()).toBe('hello');
  } finally {
    await haproxy.stop();
    await nginx.stop();
  }
});
