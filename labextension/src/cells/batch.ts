import { type INotebookCellExecutor, KernelError } from '@jupyterlab/notebook';
import { PromiseDelegate, UUID } from '@lumino/coreutils';

import type { ICommandReply, IExecution } from '../services/client';
import type { Command } from '../generated/commands';
import { isAICell } from '../model/cellType';
import type { ChosenCells } from '../model/chosenCells';
import { encodeStateVector } from '../model/stateVector';

type Run = INotebookCellExecutor.IRunCellOptions;

/**
 * The cells that a person ran with one gesture: they become one command.
 *
 * AI cells are asked where the person had selected what is run. "Run All" and its like leave them as
 * they are: an answer costs something, and is another one each time.
 */
export class Batch {
  constructor(options: Batch.IOptions) {
    this._options = options;
  }

  /**
   * Add a cell, and wait for the end of its execution.
   */
  add(run: Run): Promise<boolean> {
    const outcome = new PromiseDelegate<boolean>();
    // JupyterLab has deselected them by now, and takes the class away later.
    this._areSelected &&= run.cell.hasClass('jp-mod-selected');
    this._runs.push({ run, outcome });
    return outcome.promise;
  }

  /**
   * Ask the server to run the cells, and follow them.
   */
  async submit(): Promise<void> {
    if (this._runs.length > 1 && !this._areSelected) {
      this._runs.filter(isAI).forEach(({ outcome }) => outcome.resolve(true));
      this._runs = this._runs.filter(one => !isAI(one));
    }
    if (this._runs.length > 0) {
      await this._execute();
    }
  }

  private async _execute(): Promise<void> {
    const [{ run }] = this._runs;
    const code = this._runs.filter(one => !isAI(one));
    // What was on the screen when the person ran it; a kernel takes its time.
    const stateVector = encodeStateVector(run.notebook.sharedModel);
    try {
      if (code.length > 0 && !(await hasKernel(run))) {
        this._runs.forEach(({ outcome }) => outcome.resolve(true));
        return;
      }
      for (const { run } of code) {
        run.onCellExecutionScheduled({ cell: run.cell });
      }
      const executions = await this._request(stateVector);
      // An answer comes by itself: nobody has to wait for it.
      this._runs.filter(isAI).forEach(({ outcome }) => outcome.resolve(true));
      await Promise.all(
        code.map(async ({ run, outcome }) => {
          const id = executions.get(run.cell.model.id);
          outcome.resolve(id !== undefined && (await this._follow(run, id)));
        })
      );
    } catch (reason) {
      this._options.onError(reason as Error);
      for (const { run, outcome } of this._runs) {
        run.onCellExecuted({ cell: run.cell, success: false });
        outcome.resolve(false);
      }
    }
  }

  /** Returns the execution of each cell. */
  private async _request(stateVector: string): Promise<Map<string, string>> {
    const cell_ids = this._runs.map(({ run }) => run.cell.model.id);
    // Who may edit and not execute may still ask.
    const asks = cell_ids.length === 1 && isAI(this._runs[0]);
    const { events } = await this._options.runtime.command({
      ...(asks
        ? {
            type: 'ask',
            cell_id: cell_ids[0],
            cells: this._options.runtime.chosen.of(cell_ids[0])
          }
        : { type: 'execute_cells', cell_ids, stop_on_error: true }),
      command_id: UUID.uuid4(),
      state_vector: stateVector
    });
    const executions = new Map<string, string>();
    for (const event of events) {
      if (event.name === 'v1.ExecutionRequested') {
        executions.set(event.payload.cell_id, event.payload.execution_id);
      }
    }
    return executions;
  }

  private async _follow(run: Run, executionId: string): Promise<boolean> {
    const { cell } = run;
    const execution = await this._options.runtime
      .completion(executionId)
      .catch((reason: Error) => {
        if (!cell.isDisposed) {
          this._options.onUnknownEnd(reason);
        }
        return null;
      });
    if (cell.isDisposed) {
      return false;
    }
    const success = execution?.status === 'ok';
    const error = execution === null || success ? null : kernelError(execution);
    run.onCellExecuted({ cell, success, error });
    return success;
  }

  private _options: Batch.IOptions;
  private _runs: IRequested[] = [];
  private _areSelected = true;
}

interface IRequested {
  run: Run;
  outcome: PromiseDelegate<boolean>;
}

/**
 * A namespace for Batch statics.
 */
export namespace Batch {
  /**
   * What a batch needs of a notebook's server side.
   */
  export interface IRuntime {
    command(command: Command): Promise<ICommandReply>;
    completion(executionId: string): Promise<IExecution>;
    chosen: Pick<ChosenCells, 'of'>;
  }

  /**
   * The options of a batch.
   */
  export interface IOptions {
    runtime: IRuntime;

    /**
     * Tell the person that cells did not run.
     */
    onError: (reason: Error) => void;

    /**
     * Tell the person that it is not known how a cell ended.
     */
    onUnknownEnd: (reason: Error) => void;
  }
}

function isAI({ run }: IRequested): boolean {
  return isAICell(run.cell.model.sharedModel);
}

/** Starts a kernel as JupyterLab does, asking which where it must. */
async function hasKernel(run: Run): Promise<boolean> {
  const { sessionContext, sessionDialogs } = run;
  if (sessionContext?.hasNoKernel) {
    const mustAsk = await sessionContext.startKernel();
    if (mustAsk && sessionDialogs) {
      await sessionDialogs.selectKernel(sessionContext);
    }
  }
  return sessionContext?.hasNoKernel === false;
}

function kernelError({ error }: IExecution): KernelError {
  return new KernelError({
    status: 'error',
    execution_count: 0,
    ename: error?.ename ?? '',
    evalue: error?.evalue ?? '',
    traceback: error?.traceback ?? []
  });
}
