import { afterEach, describe, expect, it } from 'vitest';
import { checkFiles } from '../../src/load/index.ts';
import { config, makePlace, type Place } from './place.ts';

const places: Place[] = [];
afterEach(async () => {
  for (const place of places.splice(0)) await place.remove();
});

/** Each key of the door on a line of its own, from line 5 on; `more` stands behind them. */
async function problemsOf(more: string, { gate = 'deploy', needs = '[image]', left = '' } = {}): Promise<string[]> {
  const keys = [
    'cert: ./tls.crt',
    'key: ./tls.key',
    `gate: ${gate}`,
    'cluster: prod',
    'namespaces: { shop: { environment: production } }',
  ].filter(line => left === '' || !line.startsWith(left));
  const text = `gates:
  deploy: { ask: ["door:kubernetes"], needs: ${needs} }
  other: { ask: [ci] }
doors:
  kubernetes:
${[...keys, ...more.split('\n').filter(Boolean)].map(line => `    ${line}\n`).join('')}`;
  const place = await makePlace({
    'tocsin.yaml': `${config}tokens: [{ env: CI, service: ci }]\n`,
    'policy.yaml': 'rules: [{ name: ask, decide: approve, by: sre }]\n',
    'gates.yaml': text,
  });
  places.push(place);
  const found = await checkFiles({ ...place.parts, env: { CI: 'a' } });
  return found.map(
    ({ file, line, column, message, level }) =>
      `${file.slice(place.folder.length + 1)}:${line}:${column} ${message}${level === 'warning' ? ' (warning)' : ''}`,
  );
}

describe('doors.kubernetes of gates.yaml', () => {
  it('has no problems when it is good', async () => {
    expect(await problemsOf('')).toEqual([]);
    expect(await problemsOf('clientCa: ./ca.crt\nlisten: 0.0.0.0:8443\nbreakGlass: { group: oncall }')).toEqual([]);
  });

  it.each<[string, Parameters<typeof problemsOf>[1], string[]]>([
    ['', { gate: 'depoly' }, ['8:11 there is no such gate in this file']],
    ['', { gate: 'other' }, ['8:11 the gate "other" does not let this door ask']],
    ['', { needs: '[image, repository]' }, ['8:11 the gate "deploy" needs what this door cannot say: repository']],
    ['', { needs: '[service]' }, ['8:11 the gate "deploy" needs what this door cannot say: service']],
    ['', { left: 'cert' }, ['6:5 doors.kubernetes.cert']],
    ['breakGlass: { group: oncall }', {}, ['11:5 without clientCa anybody who reaches the port']],
    ['clientNames: [kube-apiserver]', {}, ['11:5 "clientNames" has no effect without clientCa']],
    ['listen: 0.0.0.0:8443', {}, ['11:13 without clientCa anybody who reaches this port can open questions']],
    ['listen: 127.0.0.1:70000', {}, ['11:13 there is no such port']],
    ['listen: nowhere', {}, ['11:13 ']],
    ['clientCa: ./ca.crt\nbreakGlass: { group: "system:authenticated" }', {}, ['12:26 ']],
    ['clientCa: ./ca.crt\nbreakGlass: { group: oncall, for: 2d }', {}, ['12:39 ']],
    ['onFailure: alow', {}, ['11:16 ']],
    ['contollers: []', {}, ['11:5 there is no "contollers" in doors.kubernetes']],
  ])('%j %j', async (more, how, expected) => {
    const found = await problemsOf(more, how);
    expect(found).toHaveLength(expected.length);
    for (const [index, start] of expected.entries()) expect(found[index]).toContain(`gates.yaml:${start}`);
  });
});
