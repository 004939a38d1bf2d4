import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { IAction } from './actions';

/**
 * Ask whether something is to be done that loses something.
 *
 * @param name - Of the notebook.
 */
export async function confirm(
  name: string,
  { label, warning }: IAction,
  trans: TranslationBundle
): Promise<boolean> {
  const { button } = await showDialog({
    title: trans.__('%1: %2?', name, label),
    body: warning,
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.warnButton({ label })
    ]
  });
  return button.accept;
}
