import type { User } from '@jupyterlab/services';
import type { ITranslator } from '@jupyterlab/translation';

import { Times } from '../model/times';
import { CellWords } from './cellWords';
import { Durations } from '../model/durations';
import { Names } from '../model/names';
import { RuntimeWords } from './runtimeWords';

/**
 * What is said of a notebook's cells and of its kernel.
 */
export interface IWords {
  cells: CellWords;
  runtime: RuntimeWords;
}

/**
 * Create the words for a notebook.
 *
 * @param user - Who looks at it.
 */
export function createWords(
  sharedModel: object,
  user: Pick<User.IManager, 'identity'>,
  translator: ITranslator
): IWords {
  const trans = translator.load('jupyter_runt');
  const locale = translator.languageCode;
  const durations = new Durations(locale, trans);
  const me = () => user.identity?.username ?? null;
  const names = new Names(sharedModel, me, trans);
  const times = new Times(locale);
  const options = { durations, names, times, trans };
  return {
    cells: new CellWords(options),
    runtime: new RuntimeWords(options)
  };
}
