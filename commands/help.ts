import { answer, defineCommand, fieldsOf, nearest, refuse } from 'tocsin';

export default defineCommand({
  id: 'help',
  about: 'Shows the commands, or how one of them is written.',
  usage: 'help [command]',
  args: [{ name: 'command', about: 'The command to explain', required: false, of: 'text' }],
  examples: ['help', 'help run'],
  async run({ words }, host) {
    const commands = host.commands();
    const [word] = words;
    if (word === undefined) {
      return answer({ title: 'Commands', blocks: [fieldsOf(commands.map(one => [one.usage, one.about] as const))] });
    }
    const found = commands.find(one => one.id === word);
    if (found === undefined) {
      const names = commands.map(one => one.id);
      const near = nearest(word, names);
      const hint = near === null ? '' : ` Did you mean "${near}"?`;
      return refuse('not-found', `There is no command "${word}".${hint} Commands: ${names.join(', ')}.`);
    }
    const args = found.args.map(arg => [arg.required ? arg.name : `${arg.name} (optional)`, arg.about] as const);
    return answer({
      title: found.usage,
      blocks: [
        { kind: 'text', text: found.about },
        ...(args.length === 0 ? [] : [fieldsOf(args)]),
        { kind: 'code', text: found.examples.join('\n') },
      ],
    });
  },
});
