import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

// eslint-disable-next-line jupyter/prefer-lazy-imports -- it must be there before an output is
import { TrustKeeper } from '../cells/trust';
import { INotebookRuntimes } from '../tokens';
import { eachNotebook } from './eachNotebook';

/**
 * Lets outputs run scripts where a person asked for them.
 */
export const trust: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-runt:trust',
  description: 'Lets outputs run scripts where a person asked for them.',
  autoStart: true,
  requires: [INotebookRuntimes],
  activate: (app, runtimes: INotebookRuntimes) => {
    eachNotebook(app, ({ context }) => {
      const notebook = context.model;
      const runtime = runtimes.get(notebook);
      if (runtime) {
        return new TrustKeeper({ notebook, runtime });
      }
    });
  }
};
