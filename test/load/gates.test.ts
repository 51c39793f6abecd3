import { afterEach, describe, expect, it } from 'vitest';
import { checkFiles, createCatalogue } from '../../src/load/index.ts';
import { config, makePlace, type Place } from './place.ts';

const places: Place[] = [];
afterEach(async () => {
  for (const place of places.splice(0)) await place.remove();
});

const withCallers = `${config}tokens: [{ env: CI, service: ci }, { env: YOU, person: you }]\n`;
const asks = 'rules: [{ name: ask, decide: approve, by: sre }]\n';

async function put(files: Record<string, string>): Promise<Place> {
  const place = await makePlace({ 'tocsin.yaml': withCallers, 'policy.yaml': asks, ...files });
  places.push(place);
  return { ...place, parts: { ...place.parts, env: { CI: 'a', YOU: 'b' } } };
}

async function problemsOf(files: Record<string, string>): Promise<string[]> {
  const place = await put(files);
  return (await checkFiles({ ...place.parts, platforms: new Map([['console', {} as never]]) })).map(
    ({ file, line, column, message, nearest, level }) =>
      `${file.slice(place.folder.length + 1)}:${line}:${column} ${message}${nearest === undefined ? '' : ` ~${nearest}`}${level === 'warning' ? ' (warning)' : ''}`,
  );
}

const gates = (text: string) => problemsOf({ 'gates.yaml': text });

describe('gates.yaml', () => {
  it('that is good has no problems, also when it is empty', async () => {
    expect(await gates('gates: { deploy: { ask: [ci, you, "door:kubernetes"], to: ["console:deploys"] } }\n')).toEqual(
      [],
    );
    expect(await gates('')).toEqual([]);
    expect(await gates('# nothing yet\n')).toEqual([]);
    expect(await gates('gates: {}\n')).toEqual([]);
  });

  it.each([
    ['gate: {}\n', '1:1 there is no "gate" here ~gates'],
    ['gates: { deploy: { aks: [ci], ask: [ci] } }\n', '1:20 there is no "aks" in gates.deploy ~ask'],
    ['gates: { deploy: {} }\n', '1:18 gates.deploy.ask'],
    ['gates: { deploy: { ask: [] } }\n', '1:25 gates.deploy.ask'],
    ['gates: { deploy: { ask: ["door:htp"] } }\n', '1:26 no token of tocsin.yaml belongs to "door:htp"'],
    [
      'gates: { deploy: { ask: [ci], needs: [imgae] } }\n',
      '1:39 gates.deploy.needs[0]: this is not one of the values it may have ~image',
    ],
    ['gates: { deploy: { ask: [ci], to: [deploys] } }\n', '1:36 this is not a channel'],
    ['gates: { deploy: { ask: [ci], to: ["consle:a"] } }\n', '1:36 there is no chat platform "consle" ~console'],
    ['gates: { deploy: { ask: [ci], holds: 10 } }\n', '1:38 gates.deploy.holds'],
    ['gates: { "de ploy": { ask: [ci] } }\n', '1:10 '],
    ['gates: { deploy: { ask: [ci] }, deploy: { ask: [ci] } }\n', '1:33 this key is there twice'],
    ['- a\n', '1:1 '],
    ['gates: {\n', '2:1 '],
  ])('%j', async (text, expected) => {
    expect(await gates(text)).toEqual([expect.stringMatching(new RegExp(`^gates\\.yaml:${RegExp.escape(expected)}`))]);
  });

  it('must be there when tocsin.yaml names it', async () => {
    const named = await problemsOf({ 'tocsin.yaml': `${withCallers}gates: other.yaml\n` });
    expect(named).toEqual([expect.stringContaining('other.yaml:1:1 there is no such file of gates')]);
  });

  it('adds its channels to those that are checked at the start', async () => {
    const place = await put({ 'gates.yaml': 'gates: { deploy: { ask: [ci], to: ["slack:#deploys"] } }\n' });
    const catalogue = await createCatalogue(place.parts);
    await catalogue.close();
    expect(catalogue.current().targets).toContainEqual(
      expect.objectContaining({ platform: 'slack', channel: '#deploys', line: 1, column: 36 }),
    );
  });

  const oneGate = 'gates: { deploy: { ask: [ci] } }\n';
  it.each([
    ['rules: [{ name: no, decide: deny }]', 'before "no" denies everything'],
    [
      `rules: [{ name: other, when: 'gate.name == "release"', decide: auto }, { name: no, decide: deny }]`,
      'before "no" denies',
    ],
    [`rules: [{ name: runs, when: 'runbook.risk == "none"', decide: auto }]`, 'so operators'],
    ['rules: [{ name: all, decide: auto }]', 'are asked about everything'],
  ])('warns of a gate that no rule lets through or asks about: %s', async (policy, expected) => {
    const found = await problemsOf({ 'policy.yaml': `${policy}\n`, 'gates.yaml': oneGate });
    expect(found).toEqual([expect.stringMatching(/^gates\.yaml:1:10 no rule .*\(warning\)$/)]);
    expect(found[0]).toContain(expected.replace('operators', 'sre are asked'));
  });

  it.each([
    `rules: [{ name: a, when: 'gate.name == "deploy"', decide: auto }, { name: no, decide: deny }]`,
    `rules: [{ name: a, when: 'gate.subject.service == "checkout"', decide: notify }]`,
    'rules: [{ name: all, decide: auto }, { name: ask, when: gate.name != "", decide: approve, by: sre }]',
  ])('and of no other: %s', async policy => {
    expect(await problemsOf({ 'policy.yaml': `${policy}\n`, 'gates.yaml': oneGate })).toEqual([]);
  });
});

describe('a rule', () => {
  const rule = (when: string, decide = 'auto') =>
    problemsOf({ 'policy.yaml': `rules:\n  - name: a\n    decide: ${decide}\n    when: ${when}\n` });

  it.each([
    ['gate.subject.enviroment == "production"', '4:24 rules[0].when: there is no field "enviroment" here ~environment'],
    ['gat.name == "deploy"', '4:11 rules[0].when: there is no variable "gat" here ~gate'],
    ['gate.evidence.vulnerabilities.critcal == 0', '4:41 rules[0].when: there is no field "critcal" here ~critical'],
    ['gate.evidence.vulnerabilities.critical == "0"', '4:11 rules[0].when: no such overload'],
    [
      'gate.evidence.vulnerabilities.list.all(v, v.fixd != "")',
      '4:55 rules[0].when: there is no field "fixd" here ~fixed',
    ],
    ['gate.evidence.sbom.components.exists(c, c.prl == "a")', '4:53 rules[0].when: there is no field "prl" here ~purl'],
    ['alerts.firng("a=b").size() == 0', '4:11 rules[0].when: there is no function "firng" here ~firing'],
    ['alerts.firing("service").size() == 0', '4:25 rules[0].when: "service" selects no label'],
    ['alerts.firing("a=~b").size() == 0', '4:25 rules[0].when: "a=~b" selects no label'],
    [
      'alerts.firing("a=b").exists(a, a.sevrity == "")',
      '4:44 rules[0].when: there is no field "sevrity" here ~severity',
    ],
    ['gate.knownBad.exists(b, b.reson != "")', '4:37 rules[0].when: there is no field "reson" here ~reason'],
    [
      'gate.name == "deploy" && runbook.risk == "low"',
      '4:36 rules[0].when: a rule speaks of gates or of runs, and this one speaks of both',
    ],
    ['labels.env == "x" || alerts.firing("").size() > 0', '4:32 rules[0].when: a rule speaks of gates or of runs'],
    ['labels.firing("a=b").size() == 0', '4:11 rules[0].when: '],
  ])('%s', async (when, expected) => {
    expect(await rule(when)).toEqual([expect.stringMatching(new RegExp(`^policy\\.yaml:${RegExp.escape(expected)}`))]);
  });

  it.each([
    'gate.evidence.vulnerabilities.known && gate.evidence.vulnerabilities.list.all(v, v.severity != "critical" || v.fixed == "")',
    'gate.evidence.provenance.builder.startsWith("https://github.com/") && gate.evidence.provenance.identity != ""',
    'gate.evidence.sbom.components.exists(c, c.name == "log4j-core" && c.version.startsWith("2.14"))',
    'gate.evidence.vulnerabilities.list.exists(v, v.package == "openssl")',
    'gate.knownBad.size() == 0 && gate.subject.links.size() < 3',
    'alerts.firing("service=checkout, severity!=info").exists(a, a.severity == "critical" && a.labels.zone == "b")',
    'alerts.firing("service=" + gate.subject.service).size() == 0 && alerts.silenced("").size() == 0',
    'inWindow(now, "Mon-Fri 09:00 - 17:00", "Europe/London") && actor.kind == "service" && gate.door == "http"',
    // Words in texts, fields and variables of loops are no variables.
    'labels.gate == "gate" && labels.exists(gate, gate == "alerts")',
    'runbook.id == "gate.name"',
  ])('takes %s', async when => {
    expect(await rule(`'${when}'`)).toEqual([]);
  });
});
