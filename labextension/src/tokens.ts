import type { INotebookModel, Notebook } from '@jupyterlab/notebook';
import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';

import type { Models } from './ai/models';
import type { NotebookAI } from './ai/notebookAI';
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

/**
 * The AI in the open notebooks.
 */
export interface INotebookAIs {
  /**
   * Return the AI in an open notebook, if the notebook is shared.
   */
  get(notebook: Notebook | null | undefined): NotebookAI | undefined;

  /**
   * Which models there are.
   */
  readonly models: Models;

  /**
   * The AI in each open notebook.
   */
  all(): Iterable<NotebookAI>;

  /**
   * A notebook was opened or closed, or something waits for a decision.
   */
  readonly changed: ISignal<unknown, void>;

  /**
   * Tell the person what went wrong, if anything does.
   */
  attempt(what: Promise<unknown> | undefined): void;
}

/**
 * The token of the AI in the open notebooks.
 */
export const INotebookAIs = new Token<INotebookAIs>(
  'jupyter-runt:INotebookAIs',
  'The AI in the open notebooks.'
);
