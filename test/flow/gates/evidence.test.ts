import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { basicConfig, type Files, startTestApp, type TestApp, tokens } from '../../doubles/app.ts';
import { cycloneDxBom, spdxBom, trivyReport } from '../../doubles/scans.ts';
import { createSigstore, provenanceOf, statementOf } from '../../doubles/sigstore/index.ts';

const digest = `sha256:${'0f1e2d3c4b5a6978'.repeat(4)}`;
const other = `sha256:${'a'.repeat(64)}`;
const subject = { service: 'checkout', environment: 'production', image: `registry.example/checkout@${digest}` };

const gatesWith = (evidence: string): Files => ({
  'gates.yaml': `gates:\n  deploy: { ask: [ci], needs: [image], evidence: ${evidence} }\n`,
  'policy.yaml': 'rules: [{ name: ask, decide: approve, by: sre, expires: 10m }]',
});

describe('evidence', () => {
  const open: { stop(): Promise<unknown> }[] = [];
  afterEach(async () => {
    for (const one of open.splice(0)) await one.stop();
  });
  const start = async (evidence = '{}', more: Files = {}) => {
    const app = await startTestApp({ ...gatesWith(evidence), ...more });
    open.push(app);
    return app;
  };
  const ask = (app: TestApp, evidence: unknown[], of: object = subject) =>
    app.call('POST', '/gates', { as: 'CI', body: { gate: 'deploy', subject: of, evidence } });
  const stored = async (app: TestApp, id: string) => {
    const gate = await app.app.store.document('gate', id);
    if (gate === null) throw new Error('no gate');
    return gate;
  };
  const none = async (app: TestApp) => expect(await app.app.store.documents('gate', {})).toEqual([]);

  it('comes with the question, is held against the subject, and is stored as it came', async () => {
    const app = await start();
    const documents = [trivyReport(digest), cycloneDxBom(digest)];
    const { status, body } = await ask(app, [documents[0], { format: 'cyclonedx', document: documents[1] }]);
    expect(status).toBe(200);
    const { evidence } = await stored(app, body.id);
    expect(evidence).toMatchObject([
      {
        kind: 'scan',
        format: 'trivy',
        verified: true,
        by: 'caller',
        because: null,
        says: '1 critical, 2 high, as the caller says',
      },
      { kind: 'sbom', format: 'cyclonedx', verified: true, says: '2 components, as the caller says' },
    ]);
    for (const [index, document] of documents.entries()) {
      const bytes = Buffer.from(JSON.stringify(document));
      expect(evidence[index]?.digest).toBe(createHash('sha256').update(bytes).digest('hex'));
      expect(Buffer.from((await app.app.store.blob(evidence[index]?.digest ?? '')) ?? '')).toEqual(bytes);
    }
  });

  it.each<[string, unknown[], string, RegExp]>([
    [
      'of another image',
      [trivyReport(digest), spdxBom(other)],
      'evidence-mismatch',
      /evidence\[1\].*it is of sha256:aaaaaaaaaa/,
    ],
    ['in no format', [{ hello: 1 }], 'evidence-invalid', /no format that is known/],
    ['that is none', ['x'], 'evidence-invalid', /no format that is known/],
    [
      'in another format than it says',
      [{ format: 'grype', document: trivyReport(digest) }],
      'evidence-invalid',
      /it is trivy, and it was said to be grype/,
    ],
    [
      'of a version that is not read',
      [{ ...cycloneDxBom(digest), specVersion: '1.2' }],
      'evidence-invalid',
      /CycloneDX "1\.2"/,
    ],
  ])('%s is refused, and nothing is asked', async (_, evidence, code, message) => {
    const app = await start();
    const answer = await ask(app, evidence);
    expect(answer).toMatchObject({ status: 422, body: { error: { code, message: expect.stringMatching(message) } } });
    await none(app);
  });

  it('that names no image reads as absent, unless gates.yaml takes it', async () => {
    const unnamed = { ...trivyReport(digest), Metadata: {} };
    const app = await start();
    expect((await stored(app, (await ask(app, [unnamed])).body.id)).evidence).toMatchObject([
      { verified: false, because: 'it does not say by digest which image or commit it is of' },
    ]);
    const taking = await start('{ scan: { unbound: true } }');
    expect((await stored(taking, (await ask(taking, [unnamed])).body.id)).evidence).toMatchObject([{ verified: true }]);
  });

  it('that nobody signed reads as absent where gates.yaml wants a signature', async () => {
    const app = await start('{ scan: { trust: signature } }');
    expect((await stored(app, (await ask(app, [trivyReport(digest)])).body.id)).evidence).toMatchObject([
      { verified: false, by: 'caller', because: 'nobody signed it, and gates.yaml wants a signature' },
    ]);
  });

  describe('that is signed', () => {
    const sigstore = createSigstore();
    const provenance = `{ provenance: { trustedRoot: ./root.json, issuer: "https://token.actions.githubusercontent.com", repository: acme/checkout, builders: ["https://github.com/actions/runner/github-hosted"] } }`;
    const files = { 'root.json': sigstore.trustedRoot() };

    it('says who built it, and who signed', async () => {
      const app = await start(provenance, files);
      const sbom = statementOf(digest, 'https://cyclonedx.org/bom', cycloneDxBom(digest));
      const { body } = await ask(app, [sigstore.bundle(provenanceOf(digest)), sigstore.bundle(sbom)]);
      expect((await stored(app, body.id)).evidence).toMatchObject([
        {
          ...{ kind: 'provenance', format: 'sigstore', verified: true, by: 'signature' },
          says: 'built by https://github.com/actions/runner/github-hosted, signed by https://github.com/acme/checkout',
        },
        {
          kind: 'sbom',
          verified: true,
          by: 'signature',
          says: '2 components, signed by https://github.com/acme/checkout',
        },
      ]);
    });

    it('by somebody else, or built elsewhere, reads as absent and says why', async () => {
      const app = await start(provenance, files);
      const { body } = await ask(app, [
        sigstore.bundle(provenanceOf(digest), { repository: 'https://github.com/mallory/checkout' }),
        sigstore.bundle(provenanceOf(digest, 'https://my.laptop')),
        createSigstore().bundle(provenanceOf(digest)),
      ]);
      expect((await stored(app, body.id)).evidence).toMatchObject([
        { verified: false, because: expect.stringMatching(/the repository is/) },
        {
          verified: false,
          because: expect.stringMatching(/the builder https:\/\/my\.laptop is not one of gates\.yaml/),
        },
        { verified: false, because: expect.stringMatching(/not from the trusted root/) },
      ]);
    });

    it('lets policy allow what was built there, and deny what a scan found', async () => {
      const app = await start(provenance, {
        ...files,
        'policy.yaml': `
rules:
  - { name: critical, when: 'gate.evidence.vulnerabilities.critical > 0', decide: deny }
  - name: ours
    when: >-
      gate.evidence.provenance.builder == "https://github.com/actions/runner/github-hosted"
      && gate.evidence.vulnerabilities.known && !gate.evidence.vulnerabilities.signed
    decide: auto
  - { name: ask, when: 'gate.name == "deploy"', decide: approve, by: sre, expires: 10m }
`,
      });
      const ours = sigstore.bundle(provenanceOf(digest));
      const theirs = sigstore.bundle(provenanceOf(digest), { repository: 'https://github.com/mallory/checkout' });
      const clean = trivyReport(digest, []);
      const verdictOf = async (environment: string, documents: unknown[]) => {
        const { body } = await ask(app, documents, { ...subject, environment });
        return [body.verdict, body.rule];
      };
      expect(await verdictOf('a', [ours, trivyReport(digest)])).toEqual(['deny', 'critical']);
      expect(await verdictOf('b', [ours, clean])).toEqual(['allow', 'ours']);
      // What is not verified, and what nobody looked at, lets nothing through.
      expect(await verdictOf('c', [theirs, clean])).toEqual(['pending', 'ask']);
      expect(await verdictOf('d', [ours])).toEqual(['pending', 'ask']);
    });

    it('about another image is refused', async () => {
      const app = await start(provenance, files);
      const answer = await ask(app, [sigstore.bundle(provenanceOf(other))]);
      expect(answer).toMatchObject({ status: 422, body: { error: { code: 'evidence-mismatch' } } });
      await none(app);
    });
  });

  describe('that is fetched', () => {
    const serve = async (answers: Record<string, unknown>) => {
      const asked: string[] = [];
      const server = createServer((request, response) => {
        asked.push(request.url ?? '');
        const found = answers[request.url ?? ''];
        response.writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/json' });
        response.end(JSON.stringify(found ?? null));
      });
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
      open.push({ stop: () => new Promise(resolve => server.close(resolve)) });
      return { asked, at: `127.0.0.1:${(server.address() as AddressInfo).port}` };
    };
    const hex = digest.slice(7);

    it('comes by digest, once, within the rules of egress', async () => {
      const { asked, at } = await serve({
        [`/${hex}.sbom.json?key=1`]: spdxBom(digest),
        [`/wrong/${hex}.json`]: trivyReport(other),
      });
      const rule = (path: string, kind: string) => `{ url: "http://${at}/${path}", kind: ${kind} }`;
      const evidence = `{ fetch: [${rule('{digest}.sbom.json?key=1', 'sbom')}, ${rule('wrong/{digest}.json', 'scan')}, ${rule('none/{digest}.json', 'provenance')}, { url: "http://127.0.0.1:9/{digest}", kind: scan }] }`;
      const app = await start(evidence, { 'tocsin.yaml': `${basicConfig}egress: { private: ["${at}"] }\n` });
      const { body } = await ask(app, []);
      expect((await stored(app, body.id)).evidence).toMatchObject([
        {
          verified: true,
          from: `http://${at}/${hex}.sbom.json`,
          says: `1 components, as http://${at}/${hex}.sbom.json says`,
        },
        { kind: 'scan', verified: false, because: expect.stringMatching(/it is of sha256:aaaaaaaaaa/) },
        { kind: 'provenance', format: 'unknown', verified: false, because: 'the server answered 404' },
        { verified: false, because: '127.0.0.1:9 is not allowed.' },
      ]);
      await ask(app, [], { ...subject, environment: 'staging' });
      expect(asked.filter(url => url.includes('sbom'))).toHaveLength(1);
    });
  });

  describe('that is large', () => {
    const send = (app: TestApp, path: string, body: NonNullable<RequestInit['body']>, token = tokens['CI']) =>
      fetch(app.app.url + path, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        body,
      });

    it('is taken by this address alone, and from those who have a token', async () => {
      const app = await start();
      const padding = ' '.repeat(300 * 1024);
      const question = JSON.stringify({ gate: 'deploy', subject, evidence: [trivyReport(digest)] });
      expect(
        (await send(app, '/gates', question.replace('"evidence":[', `"evidence":[${padding}`), 'nobody')).status,
      ).toBe(401);
      const report = JSON.stringify({ ...trivyReport(digest), padding });
      const large = `{"gate":"deploy","subject":${JSON.stringify(subject)},"evidence":[${report}]}`;
      const answer = await send(app, '/gates', large);
      expect(answer.status).toBe(200);
      const { id } = (await answer.json()) as { id: string };
      expect((await stored(app, id)).evidence).toMatchObject([{ format: 'trivy', verified: true }]);
      expect((await send(app, '/api/v1/runs', large)).status).toBe(413);
      expect((await send(app, '/gates', `{"gate":"${'x'.repeat(300 * 1024)}"}`)).status).toBe(413);
    });

    it('is refused without effect beyond 50 MB, too deep, too many, or cut', async () => {
      const app = await start();
      const with_ = (evidence: string) =>
        `{"gate":"deploy","subject":${JSON.stringify(subject)},"evidence":[${evidence}]}`;
      const answer = async (body: NonNullable<RequestInit['body']>) => {
        const got = await send(app, '/gates', body);
        return [got.status, ((await got.json()) as { error: { code: string } }).error.code];
      };
      expect(await answer(Buffer.alloc(51 * 1024 * 1024, ' '))).toEqual([413, 'body-too-large']);
      expect(await answer(with_(`${'['.repeat(100_000)}`))).toEqual([400, 'bad-request']);
      expect(await answer(with_(`{"a":${'['.repeat(66)}${']'.repeat(66)}}`))).toEqual([422, 'evidence-invalid']);
      expect(await answer(with_(Array(21).fill('{}').join(',')))).toEqual([400, 'bad-request']);
      expect(await answer(with_(JSON.stringify(trivyReport(digest)).slice(0, -1)))).toEqual([400, 'bad-request']);
      expect(await answer(with_('{"a":1,"a":2}'))).toEqual([422, 'evidence-invalid']);
      expect(await answer(`{"evidence":[],"evidence":[],"gate":"deploy","subject":{}}`)).toEqual([400, 'bad-request']);
      await none(app);
    });
  });
});
