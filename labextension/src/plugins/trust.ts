import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';

import { TrustKeeper } from '../cells/trust';
import { INotebookRuntimes } from '../tokens';

/**
 * Lets outputs run scripts where a person asked for them.
 */
export const trust: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-runt:trust',
  description: 'Lets outputs run scripts where a person asked for them.',
  autoStart: true,
  requires: [INotebookTracker, INotebookRuntimes],
  activate: (_app, tracker: INotebookTracker, runtimes: INotebookRuntimes) => {
    tracker.widgetAdded.connect((_, { context }) => {
      const runtime = runtimes.get(context.model);
      if (runtime) {
        const notebook = context.model;
        const keeper = new TrustKeeper({ notebook, runtime });
        context.disposed.connect(() => keeper.dispose());
      }
    });
  }
};
