import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { INotebookModel } from '@jupyterlab/notebook';

import type { RuntClient, RuntError } from '../services/client';
import type { INotebookRuntimes } from '../tokens';
import { NotebookRuntime } from './notebookRuntime';

/**
 * Opens the server's side of each shared notebook, for as long as it is open.
 */
export class NotebookRuntimes implements INotebookRuntimes {
  constructor(options: NotebookRuntimes.IOptions) {
    this._options = options;
  }

  /**
   * Return the server's side of an open notebook, if the notebook is shared.
   */
  get(notebook: INotebookModel): NotebookRuntime | undefined {
    return this._runtimes.get(notebook);
  }

  /**
   * Open the server's side of a notebook, unless it is open or not shared.
   */
  open(context: DocumentRegistry.IContext<INotebookModel>): void {
    const { model } = context;
    if (!model.collaborative || this._runtimes.has(model)) {
      return;
    }
    const { client, localPath, onError } = this._options;
    const runtime = new NotebookRuntime({
      client,
      path: () => localPath(context.path),
      onError: reason => onError(context, reason)
    });
    this._runtimes.set(model, runtime);
    context.disposed.connect(() => {
      this._runtimes.delete(model);
      runtime.dispose();
    });
  }

  private _options: NotebookRuntimes.IOptions;
  private _runtimes = new Map<INotebookModel, NotebookRuntime>();
}

/**
 * A namespace for NotebookRuntimes statics.
 */
export namespace NotebookRuntimes {
  /**
   * The options of the open notebooks.
   */
  export interface IOptions {
    client: RuntClient;

    /**
     * Strip the drive's name from a path.
     */
    localPath: (path: string) => string;

    /**
     * Tell why the server does not know a notebook.
     */
    onError: (
      context: DocumentRegistry.IContext<INotebookModel>,
      reason: RuntError
    ) => void;
  }
}
