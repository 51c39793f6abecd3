import { mayAct } from '../../flow/acts/act.ts';
import type { Actor } from '../../model/actor.ts';
import { groupFacts } from '../../model/config.ts';
import type { GroupView, PeopleView, PersonView } from '../../ports/overview.ts';
import type { Base } from '../base.ts';

type Parts = Pick<Base, 'catalogue' | 'groups' | 'acts'>;

/** The people and groups of tocsin.yaml, and the groups that only the policy names, each with its members now. */
export async function readPeople({ catalogue, groups, acts }: Parts): Promise<PeopleView> {
  const { config, policy } = catalogue.current();
  const asked = policy.rules.map(({ name, ask }) => ({
    name,
    by: [...(ask?.by ?? []), ...(ask?.escalate == null ? [] : [ask.escalate])],
  }));
  const isGroup = (name: string) => groupFacts(config, name) !== null || !Object.hasOwn(config.people, name);
  const named = [...config.operators, ...asked.flatMap(rule => rule.by)].filter(isGroup);
  const names = [...new Set([...Object.keys(config.groups), ...named])];
  const views = await Promise.all(
    names.map(async (name): Promise<GroupView> => {
      const parts = await groups.members(name, { alert: null });
      return { name, parts, rules: asked.filter(rule => rule.by.includes(name)).map(rule => rule.name) };
    }),
  );
  const groupsOf = (person: string) =>
    views.filter(view => view.parts.some(part => part.people.includes(person))).map(view => view.name);
  const people = await Promise.all(
    Object.entries(config.people).map(async ([id, { accounts }]): Promise<PersonView> => {
      const who: Actor = { kind: 'person', id, via: 'console', account: null };
      const operator = (await mayAct(who, { kind: 'halt', reason: '' }, acts)) === null;
      return { id, accounts, groups: groupsOf(id), operator };
    }),
  );
  return { operators: config.operators, groups: views, people };
}
