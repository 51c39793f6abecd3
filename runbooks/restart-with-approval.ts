import { defineRunbook, z } from 'tocsin';

/** The sample service is a file in the sandbox with "starts state". Exit code 0: it is active; 3: it is not. */
const look = `
file="\${TMPDIR:-/tmp}/tocsin-sandbox-$(id -u)/$1.state"
state="1 active"
if [ -f "$file" ]; then state=$(cat "$file"); fi
echo "$state"
case "$state" in *" active") ;; *) exit 3 ;; esac
`;

/** Stops and starts the service, as a service manager would; the number counts its starts. */
const restart = `
sandbox="\${TMPDIR:-/tmp}/tocsin-sandbox-$(id -u)"
mkdir -p "$sandbox"
if [ -L "$sandbox" ] || [ ! -O "$sandbox" ]; then echo "$sandbox is not ours" >&2; exit 1; fi
chmod 700 "$sandbox"
file="$sandbox/$1.state"
starts=1
if [ -f "$file" ]; then read -r starts state < "$file"; fi
echo "stopping $1"
echo "$starts inactive" > "$file"
sleep 1
echo "starting $1"
echo "$((starts + 1)) active" > "$file"
`;

export default defineRunbook({
  title: 'Restart a service, and ask when it still answers',
  about:
    'Shows a runbook in TypeScript with an approval in the middle. The services are samples: files in a sandbox folder.',
  risk: 'medium',
  params: z.object({ service: z.enum(['api', 'worker']).default('api').describe('Which one.') }),
  on: [{ source: 'alertmanager', match: { alertname: 'ServiceSlow' }, params: { service: 'labels.service' } }],
  target: 'params.service',
  async run({ step, params, alert }) {
    const { service } = params;
    const state = ['sh', '-ec', look, 'look', service];
    const before = await step.exec('state', state, { title: 'Does it run?', okExit: [0, 3], idempotent: true });
    if (before.exitCode === 0)
      await step.approve('anyway', {
        ask: `${service} still answers (${before.stdout.trim()}). Restart it anyway?`,
        by: 'sre',
        expires: '15m',
      });
    await step.exec('restart', ['sh', '-ec', restart, 'restart', service], { title: 'Restart it', timeout: '1m' });
    await step.verify('active', { exec: state, every: '1s', within: '30s' }, { title: 'It runs again' });
    if (alert !== null) await step.verify('gone', { resolved: true, within: '15m' }, { title: 'The alert resolves' });
  },
});
