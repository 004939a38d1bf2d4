import { Notification } from '@jupyterlab/apputils';
import type { ICodeCellModel } from '@jupyterlab/cells';
import {
  type INotebookCellExecutor,
  type INotebookModel,
  runCell
} from '@jupyterlab/notebook';
import type { ITranslator, TranslationBundle } from '@jupyterlab/translation';

import { isAICell } from '../model/cellType';
import type { NotebookRuntime } from '../model/notebookRuntime';
import type { INotebookRuntimes } from '../tokens';
import { Batch } from './batch';

/**
 * Runs the code cells of shared notebooks on the server, others as JupyterLab.
 */
export class ServerCellExecutor implements INotebookCellExecutor {
  constructor(options: ServerCellExecutor.IOptions) {
    this._runtimes = options.runtimes;
    this._trans = options.translator.load('jupyter_runt');
  }

  /**
   * Run a cell, and wait for the end of its execution.
   */
  runCell(options: INotebookCellExecutor.IRunCellOptions): Promise<boolean> {
    const { cell, notebook, sessionContext } = options;
    const runtime = this._runtimes.get(notebook);
    const isAI = isAICell(cell.model.sharedModel);
    if (!runtime && isAI) {
      return Promise.resolve(false); // a kernel is not to read a prompt
    }
    if (!runtime || cell.model.type !== 'code' || (!sessionContext && !isAI)) {
      return runCell(options);
    }
    if (cell.model.sharedModel.getSource().trim() === '') {
      if (isAI) {
        return Promise.resolve(true);
      }
      const model = cell.model as ICodeCellModel;
      model.outputs.clear();
      model.executionCount = null;
      options.onCellExecuted({ cell, success: true });
      return Promise.resolve(true);
    }
    return this._batch(notebook, runtime).add(options);
  }

  /** JupyterLab runs all cells of one gesture in one microtask. */
  private _batch(notebook: INotebookModel, runtime: NotebookRuntime): Batch {
    const open = this._batches.get(notebook);
    if (open !== undefined) {
      return open;
    }
    const batch = new Batch({
      runtime,
      onError: ({ message }) =>
        this._report(this._trans.__('The cells did not run: %1', message)),
      onUnknownEnd: ({ message }) =>
        this._report(
          this._trans.__('It is not known how the cell ended: %1', message)
        )
    });
    this._batches.set(notebook, batch);
    queueMicrotask(() => {
      this._batches.delete(notebook);
      void batch.submit();
    });
    return batch;
  }

  private _report(message: string): void {
    Notification.error(message, { autoClose: false });
  }

  private _runtimes: INotebookRuntimes;
  private _trans: TranslationBundle;
  private _batches = new Map<INotebookModel, Batch>();
}

/**
 * A namespace for ServerCellExecutor statics.
 */
export namespace ServerCellExecutor {
  /**
   * The options of an executor.
   */
  export interface IOptions {
    runtimes: INotebookRuntimes;
    translator: ITranslator;
  }
}
