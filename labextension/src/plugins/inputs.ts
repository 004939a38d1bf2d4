import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { InputPrompts } from '../cells/inputs';
import { INotebookRuntimes } from '../tokens';
import { eachNotebook } from './eachNotebook';

/**
 * Shows what the kernel asks for to everybody.
 */
export const inputs: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-runt:inputs',
  description: 'Shows what the kernel asks for to everybody.',
  autoStart: true,
  requires: [INotebookRuntimes],
  optional: [ITranslator],
  activate: (
    app,
    runtimes: INotebookRuntimes,
    translator: ITranslator | null
  ) => {
    translator = translator ?? nullTranslator;
    const trans = translator.load('jupyter_runt');
    const onError = (reason: Error) => {
      Notification.error(
        trans.__('The answer did not arrive: %1', reason.message)
      );
    };
    eachNotebook(app, ({ content: notebook, context }) => {
      const runtime = runtimes.get(context.model);
      if (runtime) {
        return new InputPrompts({ notebook, runtime, translator, onError });
      }
    });
  }
};
