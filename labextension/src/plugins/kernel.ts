import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { followKernel } from '../cells/kernel';
import { INotebookRuntimes } from '../tokens';
import { eachNotebook } from './eachNotebook';

/**
 * Keeps tabs on the notebook's kernel, whoever started it.
 */
export const kernel: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-runt:kernel',
  description: "Keeps tabs on the notebook's kernel, whoever started it.",
  autoStart: true,
  requires: [INotebookRuntimes],
  activate: (app, runtimes: INotebookRuntimes) => {
    eachNotebook(app, ({ context, sessionContext }) => {
      const runtime = runtimes.get(context.model);
      if (runtime) {
        return followKernel(sessionContext, runtime.model);
      }
    });
  }
};
