import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { missingPrograms, programPath } from '../../real/programs.ts';
import { startProgram } from '../programs.ts';
import { openScene, shownIn } from './scene.ts';

/** A real collectd with the write_http of docs/alert-services.md, and Tocsin with its source. */

const missing = missingPrograms('collectd');
const page = 'docs/alert-services.md';
const token = 'a token for tests';
let cleanUp: AsyncDisposableStack;

beforeEach(() => {
  cleanUp = new AsyncDisposableStack();
});
afterEach(() => cleanUp.disposeAsync());

/** Reads a file of one line, a name and a number, each second, and warns above 50, fails above 90. */
const measure = (folder: string, values: string) => `
Hostname "web-1"
FQDNLookup false
Interval 1
BaseDir "${folder}"
PIDFile "${folder}/pid"
PluginDir "/usr/lib/collectd"
TypesDB "/usr/share/collectd/types.db"
LoadPlugin logfile
<Plugin logfile>
  File stderr
</Plugin>
LoadPlugin table
<Plugin table>
  <Table "${values}">
    Plugin "app"
    Instance "queue \\"a\\" größe"
    Separator " "
    <Result>
      Type gauge
      InstancesFrom 0
      ValuesFrom 1
    </Result>
  </Table>
</Plugin>
LoadPlugin threshold
<Plugin threshold>
  <Plugin "app">
    <Type "gauge">
      WarningMax 50
      FailureMax 90
    </Type>
  </Plugin>
</Plugin>
`;

async function open(first: number) {
  const scene = await openScene(cleanUp, page, { COLLECTD_TOKEN: token });
  const at = (name: string) => join(scene.folder, name);
  const set = async (value: number) => {
    await writeFile(at('values.new'), `jobs ${value}\n`);
    await rename(at('values.new'), at('values'));
  };
  await set(first);
  const send = shownIn(page, '# /etc/collectd/collectd.conf', {
    'http://127.0.0.1:8080/': `${scene.app.app.url}/`,
    '<token>': token,
  });
  await writeFile(at('collectd.conf'), measure(scene.folder, at('values')) + send);
  const collectd = startProgram(programPath('collectd'), ['-f', '-C', at('collectd.conf')], {
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
    cwd: scene.folder,
  });
  cleanUp.defer(async () => void (await collectd.stop()));
  return { ...scene, set, collectd };
}

describe.skipIf(missing !== null)('collectd', { timeout: 180_000 }, () => {
  test('the first OKAY opens nothing; a warning, a failure and their end are one alert', async () => {
    const { alert, thread, effects, set, app } = await open(1);
    const queue = () => true;
    const well = await alert('the first OKAY', queue);
    expect(await effects(well)).toEqual(['unseen']);
    expect(await app.app.store.post('console', `alert/${well.id}/1`)).toBeNull();
    await set(60);
    const firing = await alert('the queue is long', queue, one => one.state === 'firing');
    expect(firing).toMatchObject({
      id: well.id,
      severity: 'warning',
      labels: { alertname: 'collectd_app_gauge', instance: 'web-1' },
      trusted: true,
    });
    expect(firing.title).toMatch(
      /^Host web-1, plugin app \(instance queue "a" größe\) type gauge \(instance jobs\): .*60/,
    );
    await thread(firing, ([root = '']) => root.includes('(firing)') && root.includes('queue "a" größe'));
    await set(95);
    await alert('the queue is longer', queue, one => one.severity === 'critical');
    await set(2);
    const over = await alert('the queue is short', queue, one => one.state === 'resolved');
    expect(over).toMatchObject({ id: firing.id, end: { how: 'told' } });
    expect(await effects(firing)).toEqual(['unseen', 'opened', 'refreshed', 'resolved']);
    expect(await app.app.store.alerts({})).toHaveLength(1);
  });
});
