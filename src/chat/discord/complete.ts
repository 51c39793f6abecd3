import { cutText, visibleLine } from '../../kernel/text.ts';
import { subjectText } from '../../model/gates/subject.ts';
import type { ChatHost, CommandView, RunbookView } from '../../ports/chat.ts';
import type { Choice } from './reply.ts';
import type { Completion } from './shapes.ts';

/** Discord shows 25 choices of 100 characters. */
const most = { choices: 25, text: 100 } as const;

/** The completions of what was typed so far. */
export async function completeCommand({ data }: Completion, host: ChatHost): Promise<Choice[]> {
  const [sub] = data.options;
  const focused = sub?.options.find(option => option.focused === true);
  const arg = host
    .commands()
    .find(one => one.id === sub?.name)
    ?.args.find(one => one.name === focused?.name);
  if (sub === undefined || focused === undefined || arg === undefined) return [];
  const typed = String(focused.value ?? '');
  if (arg.of === 'params') {
    const named = sub.options.find(option => option.name === 'runbook')?.value;
    const runbook = host.catalogue().runbooks.find(one => one.id === named);
    return runbook === undefined ? [] : completeParams(typed, runbook);
  }
  const wanted = typed.trim().toLowerCase();
  const all = await candidates(arg.of, host);
  return all
    .filter(one => `${one.value} ${one.name}`.toLowerCase().includes(wanted) && one.value.length <= most.text)
    .slice(0, most.choices)
    .map(({ name, value }) => ({ name: cutText(visibleLine(name), most.text), value }));
}

async function candidates(of: CommandView['args'][number]['of'], host: ChatHost): Promise<Choice[]> {
  switch (of) {
    case 'runbook':
      return host.catalogue().runbooks.map(one => ({ value: one.id, name: `${one.id} (${one.title})` }));
    case 'run':
      return (await host.store.runs({ limit: 100 })).map(run => ({
        value: run.id,
        name: `${run.title}: ${run.state} (${run.id})`,
      }));
    case 'approval':
      return (await host.store.approvals({ state: 'open', limit: 100 })).map(one => ({
        value: one.id,
        name: `${one.title} (${one.id})`,
      }));
    case 'gate':
      return (await host.store.documents('gate', { limit: 100 })).map(one => ({
        value: one.id,
        name: `${subjectText(one.subject)}: ${one.state} (${one.id})`,
      }));
    case 'alert':
      return (await host.store.alerts({ limit: 100 })).map(one => ({
        value: one.id,
        name: `${one.title}: ${one.state} (${one.id})`,
      }));
    default:
      return [];
  }
}

/** The last word of `host=web-1 service=a`: a name that is not given yet, or a value of an enumeration. */
function completeParams(typed: string, runbook: RunbookView): Choice[] {
  const space = typed.lastIndexOf(' ') + 1;
  const [before, word] = [typed.slice(0, space), typed.slice(space)];
  const equals = word.indexOf('=');
  const words =
    equals < 0
      ? runbook.params
          .filter(({ name }) => name.startsWith(word) && !` ${before}`.includes(` ${name}=`))
          .map(({ name }) => `${name}=`)
      : valuesOf(word.slice(0, equals), runbook)
          .filter(value => value.startsWith(word.slice(equals + 1)))
          .map(value => `${word.slice(0, equals)}=${/[\s"'\\]/.test(value) ? JSON.stringify(value) : value}`);
  const whole = words.map(one => before + one).filter(one => one.length <= most.text);
  return whole.slice(0, most.choices).map(one => ({ name: visibleLine(one), value: one }));
}

function valuesOf(param: string, runbook: RunbookView): readonly string[] {
  const found = runbook.params.find(one => one.name === param);
  return found?.type === 'boolean' ? ['true', 'false'] : (found?.options ?? []);
}
