import { Clipboard, Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { NotebookRuntime } from '../model/notebookRuntime';
import type { EditKeep } from './keep';
import type { StrandedEdits } from './saving';

/** How many kept versions are looked at. */
const LOOKED_AT = 5;

/** How many versions they are looked for among. */
const PAGE = 50;

/**
 * Return how the cells read that were edited, the last edits last.
 */
export function textsOf(
  edits: readonly StrandedEdits[]
): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const edit of edits) {
    for (const [cell, text] of Object.entries(edit.texts)) {
      texts.delete(cell);
      texts.set(cell, text);
    }
  }
  return texts;
}

/**
 * Tell whether the history of a notebook has all of them: a tab was asked for
 * what it held before it was closed.
 */
export async function areInHistory(
  edits: readonly StrandedEdits[],
  runtime: Pick<NotebookRuntime, 'ask'>
): Promise<boolean> {
  const texts = [...textsOf(edits).values()];
  const { versions } = await runtime.ask((client, id) =>
    client.versions(id, null, PAGE)
  );
  const kept = versions.filter(({ kind }) => kind === 'kept');
  for (const version of kept.slice(0, LOOKED_AT)) {
    const { cells } = await runtime.ask((client, id) =>
      client.notebookAt(id, version)
    );
    const sources = new Set(
      cells.map(({ source }) => [source].flat().join(''))
    );
    if (texts.every(text => sources.has(text))) {
      return true;
    }
  }
  return false;
}

/**
 * Tell a person of edits that do not come into a notebook, and offer their text.
 */
export function tellStranded(options: ITellOptions): void {
  const { edits, path, keep, onKeep, trans } = options;
  const when = new Date(Math.min(...edits.map(({ at }) => at)));
  const ids = edits.flatMap(({ id }) => id ?? []);
  const forget = () => keep?.forget(ids);
  const inHistory: Notification.IAction = {
    label: trans.__('Keep in History'),
    displayType: 'accent',
    callback: () => void onKeep().then(forget).catch(onFailure)
  };
  const onFailure = (reason: Error) => {
    Notification.error(
      trans.__('The edits are still in this browser alone: %1', reason.message),
      { autoClose: false }
    );
  };
  const discard = {
    label: trans.__('Discard'),
    callback: () => void forget()
  };
  Notification.warning(
    trans.__(
      'Edits of %1 (%2) do not fit the notebook on the server. They are kept in this browser.',
      path,
      when.toLocaleString()
    ),
    {
      autoClose: false,
      actions: [
        ...(ids.length > 0 ? [inHistory] : []),
        {
          label: trans.__('Copy'),
          callback: event => {
            event.preventDefault();
            const texts = [...textsOf(edits).values()];
            Clipboard.copyToSystem(texts.join('\n\n'));
          }
        },
        ...(ids.length > 0 ? [discard] : [])
      ]
    }
  );
}

interface ITellOptions {
  edits: StrandedEdits[];
  path: string;
  keep: EditKeep | null;
  /** Have the server keep them beside the notebook. */
  onKeep: () => Promise<unknown>;
  trans: TranslationBundle;
}
