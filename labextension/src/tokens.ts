import type { INotebookModel } from '@jupyterlab/notebook';
import { Token } from '@lumino/coreutils';

import type { NotebookRuntime } from './model/notebookRuntime';

/**
 * The open notebooks whose cells run on the server.
 */
export interface INotebookRuntimes {
  /**
   * Return the server's side of an open notebook, if the notebook is shared.
   */
  get(notebook: INotebookModel): NotebookRuntime | undefined;
}

/**
 * The token of the open notebooks.
 */
export const INotebookRuntimes = new Token<INotebookRuntimes>(
  'jupyter-runt:INotebookRuntimes',
  'The open notebooks whose cells run on the server.'
);
