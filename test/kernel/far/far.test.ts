import { describe, expect, it } from 'vitest';
import { farSides, mayGoOn, runsProgram } from '../../../src/kernel/far/far.ts';
import { unknownPlace } from '../../../src/kernel/far/place.ts';
import { commandsOf } from '../../../src/kernel/far/shell.ts';

const places = (argv: readonly string[], env: Record<string, string> = {}) =>
  farSides(argv, env).map(({ at, program }) => `${program} ${at}`);
const words = (line: string) => line.split(' ');

describe('the far side of a program', () => {
  it.each([
    ['ssh web-1 uptime', 'ssh web-1'],
    ['ssh -p 2222 -l root -i /k -o BatchMode=yes -oServerAliveInterval=15 web-1 -- df -h', 'ssh web-1'],
    ['ssh -p2222 -vvAT deploy@web-1.example.com uptime', 'ssh web-1.example.com'],
    ['ssh -J bastion -F /f -L 1:a:2 ssh://root@web-1:2222 uptime', 'ssh web-1'],
    ['ssh -t web-1 uptime', 'ssh web-1'],
    ['/usr/bin/ssh web-1 ssh -tt other', 'ssh web-1'],
    ['psql -h db-1 -c select', 'psql db-1'],
    ['psql --host=db-1 app', 'psql db-1'],
    ['psql --host db-1 app', 'psql db-1'],
    ['psql postgresql://me:secret@db-1:5432/app?sslmode=require', 'psql db-1'],
    ['psql -d host=db-1', 'psql db-1'],
    ['psql service=orders', 'psql service orders'],
    ['psql -h /run/postgresql app', 'psql its server on this machine'],
    ['psql app', 'psql its server on this machine'],
    ['mariadb --no-defaults -e x', 'mariadb its server on this machine'],
    ['mariadb -h db-2 -e x', 'mariadb db-2'],
    ['mysql --host=db-2 app', 'mysql db-2'],
    ['mariadb -hdb-2 app', 'mariadb db-2'],
    ['kubectl -n shop exec api-0 -c main -- ls', 'kubectl api-0'],
    ['docker exec -e A=b web ls', 'docker web'],
    ['docker compose -p x exec web ls', 'docker web'],
  ])('%s', (line, place) => expect(places(words(line))).toEqual([place]));

  it.each([
    'ssh -tt web-1 uptime',
    'ssh -t -t web-1 uptime',
    'ssh -o RequestTTY=force web-1 uptime',
    'ssh -N -L 1:a:2 web-1',
    'ssh -O exit web-1',
    'ssh -W web-1:22 bastion',
    'ssh -V',
    'kubectl get pods',
    'docker ps',
    'echo ssh web-1',
    '',
  ])('%s has none', line => expect(places(words(line))).toEqual([]));

  it.each([
    ['sudo -u deploy -- ssh web-1 x', 'ssh web-1'],
    ['sudo -n A=b ssh web-1 x', 'ssh web-1'],
    ['timeout -k 5 --signal=INT 30 ssh web-1 x', 'ssh web-1'],
    ['env -i -u C A=b ssh web-1 x', 'ssh web-1'],
    ['env A=b nice -n 5 ionice -c 3 setsid nohup psql -h db-1', 'psql db-1'],
    ['flock -w 5 /run/lock ssh web-1 x', 'ssh web-1'],
    ['stdbuf -oL ssh web-1 x', 'ssh web-1'],
    ['setpriv --pdeathsig KILL -- prlimit --rttime=1:2 -- ssh web-1 x', 'ssh web-1'],
    ['timeout 30', undefined],
  ])('is seen through %s', (line, place) => expect(places(words(line))[0]).toBe(place));
});

describe('the code of a shell', () => {
  it.each([
    ['ssh web-1 uptime', ['ssh web-1']],
    ['set -e\nA=1 ssh "web-1" "psql -h inner"', ['ssh web-1']],
    ['if ! ssh web-1 true; then psql -h db-1 -c "select 1; select 2"; fi', ['ssh web-1', 'psql db-1']],
    ['out="$(ssh web-1 uptime)" && echo "$out"', ['ssh web-1']],
    ['out=`ssh web-1 uptime`; echo ssh web-9', ['ssh web-1']],
    ['cat x | ssh web-1 tee y & ssh web-2 z', ['ssh web-1', 'ssh web-2']],
    ['(cd /x && timeout 5 ssh web-1 y)', ['ssh web-1']],
    ['# ssh web-9\necho a#b; ssh web-1 x', ['ssh web-1']],
    ["echo 'ssh web-9'; ssh we\\b-1 \\\n x", ['ssh web-1']],
    ['ssh "$PARAM_HOST" x; ssh root@${OTHER} x; ssh $none x', ['ssh web-3', 'ssh web-4', `ssh ${unknownPlace}`]],
    ['ssh web-1 a; ssh web-1 b', ['ssh web-1']],
    ['while read h; do ssh -n "$h" x; done', [`ssh ${unknownPlace}`]],
    ['echo "unfinished', []],
    ["echo 'unfinished", []],
    ['ssh >log 2> err 2>&1 web-1 x &>> all; ssh<in -n web-2 <<< web-9', ['ssh web-1', 'ssh web-2']],
    ['diff <(ssh web-1 a) >(ssh web-2 b) | psql -h db-1 2>&1 app', ['ssh web-1', 'ssh web-2', 'psql db-1']],
    [
      'cat <<A <<-"B" >x; ssh web-1\nssh web-8 $(ssh web-2)\nA\nssh web-9 $(ssh web-9)\n\tB\nssh web-3',
      ['ssh web-1', 'ssh web-2', 'ssh web-3'],
    ],
    ['cat <<A\nssh web-9', []],
    ['eval "ssh web-1 x"', ['ssh web-1']],
    ['PARAM_HOST=other; ssh $PARAM_HOST', [`ssh ${unknownPlace}`]],
    ['for PARAM_HOST in a b; do ssh $PARAM_HOST; done', [`ssh ${unknownPlace}`]],
    ['read -r PARAM_HOST; ssh "${OTHER:-x}"; ssh ${OTHER%%.*}-b', ['ssh web-4', `ssh ${unknownPlace}`]],
    ['ssh ${NONE:-fallback}; ssh web-{1,2}; ssh $1', [`ssh ${unknownPlace}`]],
    ['command -v ssh && echo', []],
    ['$(', []],
  ])('%s', (code, expected) => {
    const env = { PARAM_HOST: 'web-3', OTHER: 'web-4' };
    expect(places(['bash', '--noprofile', '-e', '-o', 'pipefail', '-c', code, 'tocsin'], env)).toEqual(expected);
  });

  it('ends on every text', () => {
    for (const code of [
      '`',
      '"`',
      '"$(`',
      '((((',
      '$($($(',
      '\\',
      "'",
      '"\\',
      '`a`b`',
      '${',
      '$',
      'a',
      'a[',
      '<',
      '<<a\n',
      'read a ',
    ])
      for (const times of [50, 20_000]) expect(commandsOf(code.repeat(times), {})).toBeInstanceOf(Array);
  });

  it('finds a program', () => {
    expect(runsProgram(['timeout', '5', 'ssh', 'a'], 'ssh')).toBe(true);
    expect(runsProgram(['bash', '-c', 'x; ssh a'], 'ssh')).toBe(true);
    expect(runsProgram(['bash', '-c', 'echo ssh a'], 'ssh')).toBe(false);
    expect(runsProgram(['bash', '-euo', 'pipefail', '-c', 'ssh a'], 'ssh')).toBe(true);
    expect(runsProgram(['env', '-S', 'ssh a'], 'ssh')).toBe(true);
    expect(runsProgram(['command', '-v', 'ssh'], 'ssh')).toBe(false);
  });
});

describe('what is said', () => {
  it('names each place once, and five at most', () => {
    expect(mayGoOn([])).toBe(null);
    const far = (at: string) => ({ program: 'ssh', at });
    expect(mayGoOn([far('a'), far('a'), far('b')])).toBe('may go on at a (ssh), b (ssh)');
    expect(mayGoOn([...'abcdefg'].map(far))).toBe(
      'may go on at a (ssh), b (ssh), c (ssh), d (ssh), e (ssh) and 2 more',
    );
  });

  it('holds no control character', () => {
    expect(places(['ssh', 'a\nb\u202e'])).toEqual([`ssh ${unknownPlace}`]);
  });
});
