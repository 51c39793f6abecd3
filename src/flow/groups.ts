import type { Config } from '../model/config.ts';

/** Whether a person is one of those named: a name is a group of tocsin.yaml or a person's id. A group wins over a person of the same name. */
export function isAmong(config: Pick<Config, 'groups'>, person: string, names: readonly string[]): boolean {
  return names.some(name => membersOf(config, name).includes(person));
}

export function membersOf(config: Pick<Config, 'groups'>, name: string): readonly string[] {
  return config.groups[name] ?? [name];
}
