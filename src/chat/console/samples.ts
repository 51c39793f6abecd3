import { messageOf } from '../../kernel/errors.ts';
import { type Html, html, nothing } from '../../kernel/html.ts';
import { cutText } from '../../kernel/text.ts';
import type { ChatHost } from '../../ports/chat.ts';
import { renderForm } from './buttons.ts';
import { renderNotice } from './cards.ts';
import type { Viewer } from './viewer.ts';

/** A sample alert, sent to the same webhook as Alertmanager's. */
interface Sample {
  id: string;
  title: string;
  about: string;
  /** The identity of the condition, as Alertmanager computes one: sixteen hexadecimal digits. */
  fingerprint: string;
  labels: Record<string, string>;
  summary: string;
}

const samples: readonly Sample[] = [
  {
    id: 'disk',
    title: 'A disk fills up',
    about: 'DiskFilling on web-1',
    fingerprint: '5a6d0c1e9b7f0001',
    labels: {
      alertname: 'DiskFilling',
      severity: 'warning',
      instance: 'web-1:9100',
      host: 'web-1',
      mountpoint: '/var',
    },
    summary: '/var on web-1 is 91 % full and will be full in 3 hours',
  },
  {
    id: 'service',
    title: 'A service is down',
    about: 'ServiceDown for shop',
    fingerprint: '5a6d0c1e9b7f0002',
    labels: { alertname: 'ServiceDown', severity: 'error', instance: 'shop-1:8000', service: 'shop' },
    summary: 'shop does not answer its health check',
  },
  {
    id: 'certificate',
    title: 'A certificate expires',
    about: 'CertificateExpiring for example.com',
    fingerprint: '5a6d0c1e9b7f0003',
    labels: { alertname: 'CertificateExpiring', severity: 'warning', instance: 'example.com:443', host: 'example.com' },
    summary: 'The certificate of example.com expires in 6 days',
  },
];

/** Marks what the page itself sent. */
const sampleLabel = { tocsin_sample: 'true' };

export function findSample(id: string): Sample | undefined {
  return samples.find(sample => sample.id === id);
}

/** Shown while only samples have arrived: unfolded with an empty database, folded afterwards. */
export async function renderSamples(viewer: Viewer): Promise<Html> {
  const alerts = await viewer.host.store.alerts({ limit: samples.length + 1 });
  const onlySamples = alerts.every(alert => alert.labels['tocsin_sample'] === 'true');
  if (!onlySamples) return nothing;
  const firing = new Set(alerts.filter(alert => alert.state !== 'resolved').map(alert => alert.fingerprint));
  const empty = alerts.length === 0;
  return html`<details class="samples" id="samples-box" ${empty && html`open`}><summary>${empty ? 'Try it with a sample alert' : 'Sample alerts'}</summary>
<p>Each button posts what a real Alertmanager would send to <code>${`${viewer.host.baseUrl()}/events/alertmanager`}</code>. The alert appears below with its thread, and policy decides about its runbook.</p>
<ul class="sample-list">${samples.map(sample => renderSample(sample, firing.has(sample.fingerprint), viewer))}</ul>
<div class="slot" id="sample-answer" aria-live="polite" hx-morph-skip></div></details>`;
}

function renderSample(sample: Sample, firing: boolean, viewer: Viewer): Html {
  const send = (state: 'firing' | 'resolved', label: string, style: 'primary' | 'plain') =>
    renderForm(
      '/console/sample',
      'sample-answer',
      html`<button class="button ${style}" id="${`sample-${sample.id}-${state}`}">${label}<span class="hush"> ${sample.about}</span></button>`,
      viewer,
      { sample: sample.id, state },
    );
  return html`<li id="${`sample-${sample.id}`}"><p><b>${sample.title}</b> <span class="sub">${sample.about}</span></p><div class="buttons">${send('firing', firing ? 'Send again' : 'Send', firing ? 'plain' : 'primary')}${firing && send('resolved', 'Send resolve', 'plain')}</div></li>`;
}

/** Sends the sample over HTTP and shows the answer. Never rejects. */
export async function sendSample(
  host: ChatHost,
  sample: Sample,
  state: 'firing' | 'resolved',
): Promise<{ ok: boolean; answer: Html }> {
  const url = `${host.baseUrl()}/events/alertmanager`;
  const known = await host.store.alertOf('alertmanager', sample.fingerprint);
  const live = known !== null && known.state !== 'resolved';
  const body = JSON.stringify(payload(sample, state, host.clock.now(), live ? known.startsAt : host.clock.now()));
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'Alertmanager/sample' },
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(10_000),
    });
    return { ok: response.ok, answer: renderAnswer(response.status, cutText(await response.text(), 2000), url) };
  } catch (error) {
    return { ok: false, answer: renderNotice(`POST ${url} failed: ${messageOf(error)}`, 'error') };
  }
}

function renderAnswer(status: number, text: string, url: string): Html {
  const raw = html`<pre class="code" tabindex="0">${text}</pre>`;
  if (status === 202) return renderNotice(`POST ${url} answered 202: the event is durable.`, 'good', raw);
  const hint =
    status === 401
      ? 'This source wants a secret that the page does not have. Send it with: tocsin send alertmanager <file>'
      : status === 404
        ? 'tocsin.yaml names no source "alertmanager".'
        : 'The event was not taken.';
  return renderNotice(`POST ${url} answered ${status}. ${hint}`, 'error', raw);
}

/** The webhook body of Alertmanager, version 4. */
function payload(sample: Sample, state: 'firing' | 'resolved', now: number, startsAt: number) {
  const labels = { ...sample.labels, ...sampleLabel };
  const { alertname } = sample.labels;
  const annotations = {
    summary: sample.summary,
    description: `${sample.summary}. This is a sample alert, sent from the console.`,
  };
  return {
    version: '4',
    groupKey: `{}:{alertname="${alertname}"}`,
    truncatedAlerts: 0,
    status: state,
    receiver: 'tocsin',
    groupLabels: { alertname },
    commonLabels: labels,
    commonAnnotations: annotations,
    externalURL: 'http://alertmanager.example',
    alerts: [
      {
        status: state,
        labels,
        annotations,
        startsAt: new Date(startsAt).toISOString(),
        endsAt: state === 'firing' ? '0001-01-01T00:00:00Z' : new Date(Math.max(now, startsAt + 1)).toISOString(),
        generatorURL: 'http://prometheus.example/graph',
        fingerprint: sample.fingerprint,
      },
    ],
  };
}
