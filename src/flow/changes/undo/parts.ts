import type { KeyedMutex } from '../../../kernel/mutex.ts';
import type { Catalogue } from '../../../ports/catalogue.ts';
import type { Dispatcher } from '../../../ports/dispatcher.ts';
import type { ChangesParts } from '../parts.ts';

export interface UndoParts extends Omit<ChangesParts, 'catalogue'> {
  catalogue: Catalogue;
  dispatcher: Dispatcher;
  mutex: KeyedMutex;
}
