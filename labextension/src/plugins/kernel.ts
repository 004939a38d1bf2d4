import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';

import { followKernel } from '../cells/kernel';
import { INotebookRuntimes } from '../tokens';

/**
 * Keeps tabs on the notebook's kernel, whoever started it.
 */
export const kernel: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-runt:kernel',
  description: "Keeps tabs on the notebook's kernel, whoever started it.",
  autoStart: true,
  requires: [INotebookTracker, INotebookRuntimes],
  activate: (_app, tracker: INotebookTracker, runtimes: INotebookRuntimes) => {
    tracker.widgetAdded.connect((_, { context, sessionContext }) => {
      const runtime = runtimes.get(context.model);
      if (runtime) {
        followKernel(sessionContext, runtime.model);
      }
    });
  }
};
