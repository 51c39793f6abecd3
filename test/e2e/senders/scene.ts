import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { Alert } from '../../../src/model/alert.ts';
import type { Card } from '../../../src/model/card.ts';
import { streamOf } from '../../../src/model/journal.ts';
import { readPage } from '../../docs/pages.ts';
import { basicConfig, startTestApp, type TestApp } from '../../doubles/app.ts';
import { eventually } from '../programs.ts';
import { makeFolder } from '../real.ts';

export const deploy = join(import.meta.dirname, '../../../deploy');

/** The whole app with the sources of a page, and a folder for the program that sends to it. */
export interface Scene {
  app: TestApp;
  folder: string;
  /** The alert of this fingerprint, or the one of which this is true, once it is as wanted. */
  alert(what: string, which: string | ((alert: Alert) => boolean), holds?: (alert: Alert) => boolean): Promise<Alert>;
  /** The texts of the first post and of the replies of the newest episode's thread, once they are as wanted. */
  thread(alert: Alert, holds: (texts: string[]) => boolean): Promise<string[]>;
  /** What the deliveries about the alert did to it, in order. */
  effects(alert: Alert): Promise<string[]>;
}

/** `env` is where the sources of the page take their tokens from. */
export async function openScene(
  cleanUp: AsyncDisposableStack,
  page: string,
  env: Record<string, string>,
): Promise<Scene> {
  const { folder, remove } = await makeFolder();
  cleanUp.defer(remove);
  const app = await startTestApp({ 'tocsin.yaml': configOf(page, Object.keys(env)) }, { env });
  cleanUp.defer(app.stop);
  return sceneOf(app, folder);
}

export function sceneOf(app: TestApp, folder: string): Scene {
  return { app, folder, ...looksAt(app) };
}

/** What a test looks at in an app. */
export function looksAt(app: TestApp): Pick<Scene, 'alert' | 'thread' | 'effects'> {
  const { store } = app.app;
  return {
    alert: (what, which, holds = () => true) =>
      eventually(what, async () => {
        const found = (await store.alerts({ limit: 1000 })).find(one =>
          typeof which === 'string' ? one.fingerprint === which : which(one),
        );
        return found !== undefined && holds(found) ? found : null;
      }),
    thread: ({ id, episode }, holds) =>
      eventually('the thread is as wanted', async () => {
        const key = `alert/${id}/${episode}`;
        const root = await store.post('console', key);
        const replies = await store.posts({ platform: 'console', thread: key, limit: 1000 });
        const texts = [root, ...replies].flatMap(post => (post === null ? [] : [textOf(post.card)]));
        return holds(texts) ? texts : null;
      }),
    async effects({ id }) {
      const entries = await store.stream(streamOf.alert(id));
      return entries.flatMap(({ fact }) => (fact.kind === 'event.accepted' ? [String(fact.effect)] : []));
    },
  };
}

/** A file of deploy/ with the places of here instead of those it shows, each of which it has so often: for services and for hosts. */
export async function placed(path: string, places: Record<string, string>, least = 2): Promise<string> {
  return swapAll(await readFile(join(deploy, path), 'utf8'), places, least);
}

/** The block of the page that has this text, with the places of here instead of those it shows. */
export function shownIn(page: string, text: string, places: Record<string, string>): string {
  const found = readPage(page).blocks.filter(block => block.text.includes(text));
  if (found.length !== 1) throw new Error(`${page} has ${found.length} blocks with ${text}`);
  return swapAll(found[0]?.text ?? '', places, 1);
}

function swapAll(text: string, places: Record<string, string>, least: number): string {
  let swapped = text;
  for (const [shown, here] of Object.entries(places)) {
    if (swapped.split(shown).length <= least) throw new Error(`${shown} is not there ${least} times`);
    swapped = swapped.replaceAll(shown, here);
  }
  return swapped;
}

/** The people of the tests with those sources of the page of which all that it takes from the environment is given, and something is. */
function configOf(page: string, names: readonly string[]): string {
  const blocks = readPage(page).blocks.filter(block => block.label === 'tocsin.yaml');
  const shown = blocks.flatMap(block => Object.entries(parse(block.text).sources as object));
  const sources = Object.fromEntries(
    shown.filter(([, options]) => {
      const asked = [...JSON.stringify(options).matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => name);
      return asked.length > 0 && asked.every(name => names.includes(name));
    }),
  );
  return stringify({ ...parse(basicConfig), sources });
}

function textOf({ title, badge, blocks }: Card): string {
  const parts = blocks.flatMap(block => {
    if (block.kind === 'text' || block.kind === 'code') return [block.text];
    return block.kind === 'fields' ? block.fields.map(field => `${field.label}: ${field.value}`) : [];
  });
  return [title, ...(badge === null ? [] : [`(${badge})`]), ...parts].join('\n');
}

/** A check of Nagios and Icinga 2 whose result a test sets: the argument is a file of the exit code, a line end and the output. */
export async function writeCheck(folder: string): Promise<{
  script: string;
  file(name: string): string;
  set(name: string, code: number, output: string | Buffer): Promise<void>;
}> {
  const script = join(folder, 'check');
  const file = (name: string) => join(folder, `${name}.result`);
  await writeFile(script, '#!/bin/sh\ncode=$(head -n 1 "$1")\ntail -n +2 "$1"\nexit "$code"\n', { mode: 0o755 });
  return {
    script,
    file,
    async set(name, code, output) {
      await writeFile(`${file(name)}.new`, Buffer.concat([Buffer.from(`${code}\n`), Buffer.from(output)]));
      await rename(`${file(name)}.new`, file(name));
    },
  };
}
