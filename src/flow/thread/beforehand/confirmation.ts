import type { Confirmation } from '../../../model/confirmation.ts';
import { shortHash } from '../../../model/plan.ts';
import { digestOf } from './beforehand.ts';
import { listed, quoted } from './finding.ts';
import type { About, Looked } from './look.ts';

/** True when a press on Approve is answered with a confirmation first. */
export function asksToConfirm({ findings }: Pick<Looked, 'findings'>, { approval }: About): boolean {
  return findings.length > 0 || approval.risk === 'high';
}

/** What the person is shown. `again`: they confirmed something else than what is so now. */
export function makeConfirmation(
  looked: Looked,
  { approval, run }: About,
  seal: (digest: string) => string,
  again: boolean,
): Confirmation {
  const { mask } = looked;
  const on = run.targets.length === 0 ? '' : ` on ${mask(listed(run.targets))}`;
  const params = Object.entries(run.params).map(([name, value]) => ({
    label: name,
    value: mask(typeof value === 'string' ? value : JSON.stringify(value)),
  }));
  const what = approval.step === null ? run.runbook : `${run.runbook}, step ${approval.step},`;
  return {
    title: `Approve ${what}${on}?`,
    news: again
      ? 'This is not what you confirmed: something changed meanwhile. Nothing was approved. Look again.'
      : null,
    warnings: looked.findings.map(({ text }) => text),
    facts: [
      { label: 'Risk', value: approval.risk },
      ...(approval.step === null ? [] : [{ label: 'The step asks', value: quoted(mask(approval.question), 1000) }]),
      ...(run.targets.length === 0
        ? []
        : [{ label: `Targets (${run.targets.length})`, value: mask(run.targets.join(', ')) }]),
      ...params,
      { label: 'Plan', value: shortHash(approval.planHash) },
    ],
    commands: looked.commands,
    reason: approval.ask.reasonRequired ? 'required' : 'optional',
    seal: seal(digestOf(looked.findings)),
  };
}
