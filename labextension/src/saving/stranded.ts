import { Clipboard, Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { EditKeep } from './keep';
import type { StrandedEdits } from './saving';

/**
 * Return how the cells read that were edited, the last edits last.
 */
export function textOf(edits: readonly StrandedEdits[]): string {
  const texts = new Map<string, string>();
  for (const edit of edits) {
    for (const [cell, text] of Object.entries(edit.texts)) {
      texts.delete(cell);
      texts.set(cell, text);
    }
  }
  return [...texts.values()].join('\n\n');
}

/**
 * Tell a person of edits that do not come into a notebook, and offer their text.
 */
export function tellStranded(options: ITellOptions): void {
  const { edits, path, keep, trans } = options;
  const when = new Date(Math.min(...edits.map(({ at }) => at)));
  const ids = edits.flatMap(({ id }) => id ?? []);
  const discard = {
    label: trans.__('Discard'),
    callback: () => void keep?.forget(ids)
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
        {
          label: trans.__('Copy Their Text'),
          displayType: 'accent',
          callback: event => {
            event.preventDefault();
            Clipboard.copyToSystem(textOf(edits));
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
  trans: TranslationBundle;
}
