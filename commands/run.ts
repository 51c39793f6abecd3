import { answerAct, defineCommand, paramsFrom, pickRunbook, refuse } from 'tocsin';

export default defineCommand({
  id: 'run',
  about: 'Starts a runbook, or asks for its approval: policy decides.',
  usage: 'run <runbook> [name=value ...] [reason="..."]',
  args: [
    { name: 'runbook', about: 'The name of the runbook', required: true, of: 'runbook' },
    { name: 'params', about: 'Its parameters, name=value each', required: false, of: 'params' },
  ],
  examples: ['run disk-clean-up host=web-1', 'run restart-service service=api reason="deploy went wrong"'],
  async run({ who, context, words, named }, host) {
    const { runbooks } = host.catalogue();
    const [name, extra] = words;
    if (name === undefined) {
      return refuse('bad-request', `Say which runbook: ${runbooks.map(one => one.id).join(', ') || 'there is none'}.`);
    }
    const runbook = pickRunbook(name, runbooks);
    if (extra !== undefined) {
      const first = runbook.params[0]?.name;
      const hint =
        first === undefined
          ? `${runbook.id} takes no parameters.`
          : `Parameters are name=value, for example ${first}=${extra}.`;
      return refuse('params-invalid', `"${extra}" is not a parameter. ${hint}`);
    }
    // `reason` is the reason of the request, unless the runbook has a parameter of that name.
    const given = new Map(named);
    const own = runbook.params.some(param => param.name === 'reason');
    const reason = own ? null : (given.get('reason') ?? null);
    if (!own) given.delete('reason');
    const params = paramsFrom(given, runbook);
    return answerAct(await host.act(who, { kind: 'run', runbook: runbook.id, params, alert: context.alert, reason }));
  },
});
