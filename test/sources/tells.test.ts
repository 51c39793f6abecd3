import { expect, test } from 'vitest';
import { systemClock } from '../../src/kernel/clock.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { loadSources } from '../contracts/source/samples.ts';

/** The options that allow everything. */
const all: Record<string, object> = {
  alertmanager: { token: 'secret', url: 'https://alertmanager.example', silences: true },
  github: { secret: 'secret', apiToken: 'secret', comment: true, report: ['status'] },
  gitlab: { token: 'secret', apiToken: 'secret', comment: true },
  grafana: { secret: 'secret', url: 'https://grafana.example', apiToken: 'secret', annotate: true, silences: true },
  icinga2: { token: 'secret', api: { url: 'https://icinga.example:5665', user: 'tocsin', password: 'secret' } },
  jira: { secret: 'secret', url: 'https://jira.example', apiToken: 'secret', tickets: [{ project: 'OPS' }] },
  opsgenie: { token: 'secret', apiKey: 'secret' },
  pagerduty: { secret: 'secret', apiToken: 'secret', from: 'tocsin@example.com', routingKey: 'secret' },
  sentry: { secret: 'secret', apiToken: 'secret', organization: 'acme' },
  servicenow: { token: 'secret', url: 'https://now.example', user: 'tocsin', password: 'secret', tickets: [{}] },
  zabbix: { token: 'secret', url: 'https://zabbix.example', apiToken: 'secret' },
};

test('what the reference says that an origin is told is what its connection can do', async () => {
  const sources = await loadSources();
  const host = { clock: systemClock, log: silentLog, reach: () => fetch };
  const told = [...sources.values()].filter(source => source.origin !== undefined || source.tells !== undefined);
  expect(told.map(({ id }) => id).sort()).toEqual(Object.keys(all));
  for (const source of told) {
    const {
      perMinute,
      notifiesLater: _,
      wantsTicket: __,
      ...methods
    } = source.origin?.(source.options.parse(all[source.id]), host) ?? {};
    expect(Object.keys(methods).sort(), source.id).toEqual([...(source.tells ?? [])].sort());
    expect(perMinute?.tell, source.id).toBeGreaterThan(0);
  }
});

test.each([
  ['alertmanager', { silences: true, token: 'secret' }, 'needs url'],
  ['alertmanager', { silences: true, url: 'https://alertmanager.example' }, 'needs token or basic'],
  ['grafana', { silences: true, secret: 'secret', url: 'https://grafana.example' }, 'needs url and apiToken'],
  ['grafana', { silences: true, url: 'https://grafana.example', apiToken: 'secret' }, 'needs secret, token or basic'],
])('%s refuses silences that could not be made, or that anybody could ask for: %j', async (id, options, because) => {
  const parsed = (await loadSources()).get(id)?.options.safeParse(options);
  expect(parsed?.error?.issues.map(({ message }) => message).join()).toContain(because);
});
