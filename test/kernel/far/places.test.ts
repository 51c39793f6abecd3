import { describe, expect, it } from 'vitest';
import { farSides } from '../../../src/kernel/far/far.ts';
import { unknownPlace as unknown } from '../../../src/kernel/far/place.ts';
import exec from '../../../src/steps/exec.ts';

const placeOf = (argv: readonly string[], env: Record<string, string> = {}) => {
  const found = farSides(argv, env).map(({ at }) => at);
  return found.length > 1 ? found : (found[0] ?? null);
};
type Case = [argv: string[], place: string | null, env?: Record<string, string>];
const own = 'its server on this machine';

describe('mysql and mariadb', () => {
  it.each<Case>([
    [['mariadb', '-phunter2', '-hdb-1', '-e', 'x'], 'db-1'],
    [['mariadb', '-h', 'db-1', '-phunter2'], 'db-1'],
    [['mysql', '-uroot', '-phunter2', 'app', '-h', 'db-1'], 'db-1'],
    [['mysql', '-BNphs3cret', '-hdb-1'], 'db-1'],
    [['mysql', '-p', 'hs3cret', '-hdb-1'], 'db-1'],
    [['mysql', '-#d:hs3cret', '-hdb-1'], 'db-1'],
    [['timeout', '60', 'mariadb', '-phunter2', '-hdb-1'], 'db-1'],
    [['timeout', '60', 'mariadb', '-phunter2'], unknown],
    [['mariadb', '--no-defaults', '-phunter2'], own],
    [['mariadb', '--no-defaults', '-S', '/run/s', '-P3306', '-Dapp'], own],
    [['mariadb', '--password', '-hdb-1'], 'db-1'],
    [['mariadb', '--password=hunter2', '--host=db-1'], 'db-1'],
    [['mariadb', '--hos', 'db-1'], 'db-1'],
    [['mariadb', '--loose-host=db-1'], 'db-1'],
    [['mariadb', '--default_character_set', '-hs3cret', '-hdb-1'], 'db-1'],
    [['mariadb', '-h', 'db-1', '-h', 'db-2'], 'db-2'],
    [['mariadb', '-e', '-hs3cret', '-hdb-1'], 'db-1'],
    [['mariadb', '-ve-hs3cret', '-hdb-1'], 'db-1'],
    [['mariadb', '--execute', '-hs3cret', '-hdb-1'], 'db-1'],
    [['mariadb', '--init-command', '-hs3cret', '-hdb-1'], 'db-1'],
    [['mariadb', '--what-is-this', '-hs3cret'], unknown],
    [['mariadb', '-Zhs3cret', '-hdb-1'], unknown],
    [['mariadb', '-h', 'u:s3cret@db-1'], unknown],
    [['mariadb', '-h', ' db-1 -ps3cret'], unknown],
    [['mariadb', '-h', '2001:db8::1'], '2001:db8::1'],
    [['mariadb', '--defaults-extra-file=/etc/x.cnf', '-e', 'x'], unknown],
    [['mariadb', '--defaults-file=/etc/x.cnf', '-S', '/run/s'], unknown],
    [['mariadb', '--defaults-extra-file=/etc/x.cnf', '-hdb-1'], 'db-1'],
    [['mysql', '--login-path=prod'], unknown],
    [['mariadb', '-e', 'x'], 'db-1', { MYSQL_HOST: 'db-1' }],
    [['mariadb', '-h', 'db-2'], 'db-2', { MYSQL_HOST: 'db-1' }],
    [['mariadb', '--defaults-file=/x', '-e', 'x'], unknown, { MYSQL_HOST: 'db-1' }],
    [['env', 'MYSQL_HOST=db-1', 'mariadb'], 'db-1'],
    [['bash', '-c', 'MYSQL_HOST=db-1 mariadb -e x'], 'db-1'],
    [['bash', '-c', 'export MYSQL_HOST=db-1; mariadb -e x'], 'db-1'],
    [['bash', '-c', 'mariadb --no-defaults -p"$PW" -e x'], own, { PW: 'hunter2' }],
    [['bash', '-c', 'mariadb --no-defaults $OPTS'], unknown, { OPTS: '-h db-1 -ps3cret' }],
    [['sudo', 'mariadb', '--no-defaults'], unknown, { MYSQL_HOST: 'db-1' }],
  ])('%j: %s', (argv, place, env) => expect(placeOf(argv, env)).toEqual(place));
});

describe('psql and what else connects by libpq', () => {
  it.each<Case>([
    [['psql', '-At', '-h', 'db1', '-c', 'select 1'], 'db1'],
    [['psql', '-At', 'postgresql://u:pw@db1/app'], 'db1'],
    [['psql', '-AtS', '-n', 'postgres://u:pw@db1/app'], 'db1'],
    [['psql', '-Atc', "select 1 where host = 'web-9'"], 'db-1', { PGHOST: 'db-1' }],
    [['psql', '-At', '-c', "select 1 where host = 'web-9'"], 'db-1', { PGHOST: 'db-1' }],
    [['psql', '-qAtc', 'select 1 -- host=s3cret'], own],
    [['psql', '-qAtX1hdb1', '-c', 'x'], 'db1'],
    [['psql', '-jhs3cret', '-hdb1'], unknown],
    [['psql', '--what', '-hs3cret'], unknown],
    [['psql', '--hos=db1', '--comm', 'host=s3cret'], 'db1'],
    [['psql', '-h', 'a', '-h', 'b'], 'b'],
    [['psql', '-h', 'a,b'], 'a or b'],
    [['psql', '-h', 'a,/run/postgresql'], `a or ${own}`],
    [['psql', '-h', 'db1', 'host=db2'], 'db2'],
    [['psql', '-h', 'db1', '-d', 'app'], 'db1', { PGHOST: 'db-9' }],
    [['psql', '-h', 'db1'], '10.0.0.7', { PGHOSTADDR: '10.0.0.7' }],
    [['psql', 'postgresql://u:se?cret@db/x'], 'db'],
    [['psql', 'postgresql://u:se?cret=1@db/x'], unknown],
    [['psql', 'postgresql://u:se@cret@db/x'], unknown],
    [['psql', 'postgresql://u:se/cret@db/x'], unknown],
    [['psql', 'postgresql://u:12/cret@db/x'], unknown],
    [['psql', 'postgresql://u:100%@db/x'], 'db'],
    [['psql', 'postgresql://u:p%40x%2Fy@db/x'], 'db'],
    [['psql', 'postgresql://db?password=se@cret'], unknown],
    [['psql', 'postgresql://u:x@a,b:5433/app'], 'a or b'],
    [['psql', 'postgresql://u:x@[::1]:5432,[2001:db8::2]/app'], '::1 or 2001:db8::2'],
    [['psql', 'postgresql://u:x@%2Frun%2Fpg/app'], own],
    [['psql', 'postgresql:///app?host=db1'], 'db1'],
    [['psql', 'postgresql://u:a?b@/app?host=db1'], 'db1'],
    [['psql', 'postgresql:///app?host=%2Frun'], own],
    [['psql', 'postgresql:///app?password=x%26host%3Ds3cret'], own],
    [['psql', 'postgresql:///app'], 'db1', { PGHOST: 'db1' }],
    [['psql', 'postgresql://u:x@db1/x?host=s3cret'], unknown],
    [['psql', "password='my host=secret' host=db1"], 'db1'],
    [['psql', "password = 'my \\' host=secret' host = 'db1'"], 'db1'],
    [['psql', 'password=a\\ host=secret host=db1'], 'db1'],
    [['psql', 'password=my host=secret host=db1'], unknown],
    [['psql', "password='my host=secret"], unknown],
    [['psql', 'password=my host=secret x= host=db1'], unknown],
    [['psql', 'password=my host=secret user= host=db1'], unknown],
    [['psql', "dbname=app host=''"], own, { PGHOST: 'db1' }],
    [['psql', 'host=db1 hostaddr=10.0.0.7'], '10.0.0.7'],
    [['psql', 'host=u:s3cret@db1'], unknown],
    [['psql', 'service=orders'], 'service orders', { PGHOST: 'db1' }],
    [['psql', "service='s3 cret'"], unknown],
    [['psql'], 'service orders', { PGSERVICE: 'orders' }],
    [['bash', '-c', 'psql "$DATABASE_URL" -c x'], 'db1', { DATABASE_URL: 'postgres://u:s3cret@db1/x' }],
    [['bash', '-c', 'PGHOST=db1 psql; PGHOST=db2 timeout 5 psql'], ['db1', 'db2'] as never],
    [['bash', '-c', 'PGHOST=db1; psql'], unknown],
    [['bash', '-c', 'export PGHOST=db1; psql; unset PGHOST; psql'], ['db1', unknown] as never],
    [['env', '-i', 'psql'], own, { PGHOST: 'db1' }],
    [['env', '-u', 'PGHOST', 'psql'], own, { PGHOST: 'db1' }],
    [['sudo', '-u', 'postgres', 'psql'], unknown, { PGHOST: 'db1' }],
    [['sudo', '-u', 'postgres', 'psql'], own],
    [['vacuumdb', '-t', 'host=s3cret', '-j', '2', '-hdb1', 'app'], 'db1'],
    [['vacuumdb', '-zfvhdb1', 'app'], 'db1'],
    [['vacuumdb', '-a', '--maintenance-db', 'host=db1'], 'db1'],
    [['reindexdb', '-Sx', '-vhdb1'], 'db1'],
    [['clusterdb', '-vt', 'host=s3cret', 'host=db1'], 'db1'],
    [['pg_restore', '-vcOxd', 'host=db1', 'host=s3cret.dump'], 'db1'],
    [['pg_restore', '-l', 'host=s3cret.dump'], null],
  ])('%j: %s', (argv, place, env) => expect(placeOf(argv, env)).toEqual(place));
});

describe('ssh', () => {
  it.each<Case>([
    [['ssh', 'u:s3cret@web-1', 'x'], 'web-1'],
    [['ssh', 'ssh://u:s3cret@web-1:22'], 'web-1'],
    [['ssh', 'ssh://u:s3@cret@web-1'], unknown],
    [['ssh', 'ssh://u@[::1]:22'], '::1'],
    [['ssh', 'web-1/s3cret'], unknown],
    [['ssh', '-zs3cret', 'web-1'], unknown],
    [['ssh', '2001:db8::1'], '2001:db8::1'],
    [['ssh', 'a:s3cret'], unknown],
  ])('%j: %s', (argv, place) => expect(placeOf(argv)).toEqual(place));
});

describe('pods and containers', () => {
  it.each<Case>([
    [['kubectl', '--as', 'x', 'exec', 'api-0', '--', 'ls', '--what'], 'api-0'],
    [['kubectl', '--request-timeout', '5s', 'exec', '-it', 'deploy/api', '--', 'ls'], 'deploy/api'],
    [['kubectl', '--token', 's3cret', 'exec', 'api-0', '--', 'ls'], 'api-0'],
    [['kubectl', '--what', 's3cret', 'exec', 'api-0'], unknown],
    [['kubectl', '--what', 'get', 'pods'], null],
    [['kubectl', 'exec', '-f', 'pod.yaml', 'ls'], unknown],
    [['docker', '-H', 'ssh://u:s3cret@h', 'exec', '-it', '-e', 'PW=s3cret', 'web', 'ls', '-x'], 'web'],
    [['docker', 'exec', '--what', 's3cret', 'web', 'ls'], unknown],
    [['docker', '--what', 's3cret', 'exec', 'web'], unknown],
    [['docker', 'container', 'exec', '-u', 'root', 'web_1', 'ls'], 'web_1'],
    [['docker', 'compose', '-f', 'x.yaml', 'exec', '-T', '--index', '2', 'web', 'ls'], 'web'],
    [['podman', 'exec', '-l', 'ls'], unknown],
  ])('%j: %s', (argv, place) => expect(placeOf(argv)).toEqual(place));
});

describe('what runs another program', () => {
  it.each<Case>([
    [['bash', '-euo', 'pipefail', '-c', 'ssh web-1 x'], 'web-1'],
    [['bash', '-ceuo', 'pipefail', 'ssh web-1 x'], 'web-1'],
    [['bash', '-o', 'errexit', '-O', 'extglob', '+O', 'nullglob', '-c', 'ssh web-1 x'], 'web-1'],
    [['bash', '--rcfile', '/x', '-c', '--', 'ssh web-1 x'], 'web-1'],
    [['dash', '-euc', 'ssh web-1 x'], 'web-1'],
    [['bash', 'script.sh', '-c', 'ssh web-9'], null],
    [['bash', '-euo', 'pipefail', 'script.sh', '-c', 'ssh web-9'], null],
    [['sshpass', '-e', 'ssh', 'web-1', 'x'], 'web-1'],
    [['sshpass', '-eSSHPW', 'ssh', 'web-1', 'x'], 'web-1'],
    [['sshpass', '-p', 'ssh', 'ssh', 'web-1', 'x'], 'web-1'],
    [['sshpass', '-ps3cret', 'ssh', 'web-1', 'x'], 'web-1'],
    [['env', '-S', 'ssh web-1 x'], 'web-1'],
    [['env', '-iS', 'A=b \'ssh\' "web-1"', 'x'], 'web-1'],
    [['env', '--split-string=-u C ssh', 'web-1'], 'web-1'],
    [['env', 'A=b', '-i', 'ssh', 'web-1'], 'web-1'],
    [['env', '-', 'A=b', 'ssh', 'web-1'], 'web-1'],
    [['env', '--', 'ssh', 'web-1'], 'web-1'],
    [['flock', '/run/lock', '-c', 'ssh web-1 x'], 'web-1'],
    [['flock', '-w', '5', '/run/lock', '--command', 'ssh web-1 x'], 'web-1'],
    [['flock', '-n', '/run/lock', '--command=ssh web-1 x'], 'web-1'],
    [['flock', '-n', '/run/lock', 'ssh', 'web-1', '-c', 'x'], 'web-1'],
    [['su', '-c', 'ssh web-1 x', 'deploy'], 'web-1'],
    [['su', '-', 'deploy', '-c', 'ssh web-1 x'], 'web-1'],
    [['su', 'deploy', '--command=ssh web-1 x'], 'web-1'],
    [['su', '-l', 'deploy', '-s', '/bin/sh', '-c', 'ssh web-1 x'], 'web-1'],
    [['su', 'deploy', '--', '-c', 'ssh web-1 x'], 'web-1'],
    [['su', 'ssh', 'web-9'], null],
    [['runuser', '-u', 'deploy', '--', 'ssh', 'web-1', 'x'], 'web-1'],
    [['runuser', 'deploy', '-c', 'ssh web-1 x'], 'web-1'],
    [['gosu', 'deploy', 'ssh', 'web-1'], 'web-1'],
    [['chroot', '/x', 'ssh', 'web-1'], 'web-1'],
    [['nsenter', '-t', '1', '-m', '-n', 'ssh', 'web-1'], 'web-1'],
    [['chrt', '-f', '10', 'ssh', 'web-1', '-c', 'aes'], 'web-1'],
    [['xargs', '-r', '-I{}', 'ssh', '{}', 'x'], unknown],
    [['bash', '-c', 'sudo -n flock /l -c "timeout 5 ssh web-1 x"'], 'web-1'],
  ])('%j: %s', (argv, place) => expect(placeOf(argv)).toEqual(place));
});

it('is not known when a secret variable of the step names it', () => {
  const far = (secrets: Record<string, string>) =>
    exec.far?.(exec.input.parse({ argv: ['psql', '-c', 'x'], secrets }), {} as never).map(({ at }) => at);
  expect(far({ PGPASSWORD: 'db' })).toEqual([own]);
  expect(far({ PGHOST: 'host' })).toEqual([unknown]);
});
