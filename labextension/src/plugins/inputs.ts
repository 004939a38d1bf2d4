import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { InputPrompts } from '../cells/inputs';
import { INotebookRuntimes } from '../tokens';

/**
 * Shows what the kernel asks for to everybody.
 */
export const inputs: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-runt:inputs',
  description: 'Shows what the kernel asks for to everybody.',
  autoStart: true,
  requires: [INotebookTracker, INotebookRuntimes],
  optional: [ITranslator],
  activate: (
    _app,
    tracker: INotebookTracker,
    runtimes: INotebookRuntimes,
    translator: ITranslator | null
  ) => {
    translator = translator ?? nullTranslator;
    const trans = translator.load('jupyter_runt');
    tracker.widgetAdded.connect((_, { content: notebook }) => {
      const runtime = notebook.model && runtimes.get(notebook.model);
      if (runtime) {
        const prompts = new InputPrompts({
          notebook,
          runtime,
          translator,
          onError: reason => {
            Notification.error(
              trans.__('The answer did not arrive: %1', reason.message)
            );
          }
        });
        notebook.disposed.connect(() => prompts.dispose());
      }
    });
  }
};
