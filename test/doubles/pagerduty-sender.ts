import { signWebhook } from './pagerduty.ts';

/**
 * Sends webhooks v3 as PagerDuty does: signed, in order for each incident, again after time-outs, 5xx, 429 and broken connections, dropped at any
 * other 4xx; three drops in a row disable the subscription for a day and empty its queue. Source: developer-docs docs/webhooks/01-Overview.md.
 */
export interface WebhookSender {
  /** Resolves when it was taken or dropped, or the subscription is disabled. */
  send(event: WebhookEvent): Promise<'taken' | 'dropped' | 'disabled'>;
  /** The statuses that were answered, in order; 0 for no answer. */
  answers: number[];
  disabled(): boolean;
}

export interface WebhookEvent {
  id: string;
  event_type: string;
  occurred_at: string;
  data: { id: string } & Record<string, unknown>;
}

/** How often it is sent at most; PagerDuty goes on for 48 h. */
const mostTries = 8;
const patience = 5000;

export function createWebhookSender(parts: { url: string; secrets: string[]; pause: number }): WebhookSender {
  const answers: number[] = [];
  const lines = new Map<string, Promise<unknown>>();
  let drops = 0;
  let disabled = false;

  async function attempt(body: string, id: string): Promise<number> {
    try {
      const response = await fetch(parts.url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'user-agent': 'PagerDuty-Webhook/V3.0',
          'x-webhook-id': id,
          'x-pagerduty-signature': signWebhook(body, ...parts.secrets),
        },
        body,
        signal: AbortSignal.timeout(patience),
      });
      await response.arrayBuffer();
      return response.status;
    } catch {
      return 0;
    }
  }

  async function deliver(event: WebhookEvent): Promise<'taken' | 'dropped' | 'disabled'> {
    const body = JSON.stringify({ event: { resource_type: 'incident', agent: null, client: null, ...event } });
    for (let tries = 0; tries < mostTries && !disabled; tries++) {
      const status = await attempt(body, event.id);
      answers.push(status);
      if (status >= 200 && status < 300) {
        drops = 0;
        return 'taken';
      }
      if (status !== 0 && status !== 429 && status < 500) {
        drops++;
        if (drops >= 3) disabled = true;
        return 'dropped';
      }
      await new Promise(resolve => setTimeout(resolve, parts.pause));
    }
    return disabled ? 'disabled' : 'dropped';
  }

  return {
    answers,
    disabled: () => disabled,
    send(event) {
      const before = lines.get(event.data.id) ?? Promise.resolve();
      const mine = before.then(() => (disabled ? 'disabled' : deliver(event)));
      lines.set(event.data.id, mine);
      return mine;
    },
  };
}
