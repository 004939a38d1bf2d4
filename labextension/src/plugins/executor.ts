import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookCellExecutor } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

// eslint-disable-next-line jupyter/prefer-lazy-imports -- the notebooks' factory asks for it
import { ServerCellExecutor } from '../cells/executor';
import { INotebookRuntimes } from '../tokens';

/**
 * Runs the cells of shared notebooks on the server.
 */
export const executor: JupyterFrontEndPlugin<INotebookCellExecutor> = {
  id: 'jupyter-runt:executor',
  description: 'Runs the cells of shared notebooks on the server.',
  autoStart: true,
  provides: INotebookCellExecutor,
  requires: [INotebookRuntimes],
  optional: [ITranslator],
  activate: (
    _app,
    runtimes: INotebookRuntimes,
    translator: ITranslator | null
  ) =>
    new ServerCellExecutor({
      runtimes,
      translator: translator ?? nullTranslator
    })
};
