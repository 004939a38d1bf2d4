import { PromiseDelegate } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import { type IExecution, RuntError } from '../services/client';
import { isTerminal, type RuntimeModel } from './runtime';

/** How long the runtime document may be silent about an execution. */
const PATIENCE_MS = 2000;

/** How long the server may hold one question. */
const WAIT_SECONDS = 20;

/** A server that does not answer, or lost the notebook to another one, may have it again. */
const AWAY: ReadonlySet<string> = new Set(['unknown', 'lease_held']);

/**
 * Waits for the ends of the executions that this tab asked for.
 *
 * They are read in the runtime document. Where it is out of reach, or has
 * forgotten an execution already, the API is asked instead, one execution at a
 * time: a browser has six connections to a server, and they run in order.
 */
export class Completions implements IDisposable {
  constructor(options: Completions.IOptions) {
    this._options = options;
    options.model.executionsChanged.connect(this._onExecutions, this);
    options.room.syncedChanged.connect(this._watch, this);
  }

  /**
   * Whether an execution's end is waited for here.
   */
  has(executionId: string): boolean {
    return this._pending.has(executionId);
  }

  /**
   * An execution's end is waited for from now on.
   */
  get added(): ISignal<this, string> {
    return this._added;
  }

  /**
   * Wait for the end of an execution.
   */
  wait(executionId: string): Promise<IExecution> {
    let pending = this._pending.get(executionId);
    if (pending === undefined) {
      pending = new PromiseDelegate();
      this._pending.set(executionId, pending);
      this._added.emit(executionId);
    }
    this._onExecutions(this._options.model, new Set([executionId]));
    this._watch();
    return pending.promise;
  }

  /**
   * Whether nothing is waited for any more.
   */
  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /**
   * Stop waiting; what is pending is rejected.
   */
  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    clearTimeout(this._timer);
    for (const pending of this._pending.values()) {
      pending.reject(new Error('Canceled: the notebook was closed.'));
    }
    this._pending.clear();
    Signal.clearData(this);
  }

  private _onExecutions(model: RuntimeModel, ids: ReadonlySet<string>): void {
    for (const id of ids) {
      const execution = model.executions.get(id);
      if (execution !== undefined && isTerminal(execution)) {
        this._settle(id, execution);
      }
    }
  }

  private _settle(id: string, execution: IExecution): void {
    this._pending.get(id)?.resolve(execution);
    this._pending.delete(id);
  }

  private _watch(): void {
    clearTimeout(this._timer);
    if (this._firstUnseen() !== undefined) {
      this._timer = setTimeout(() => void this._ask(), PATIENCE_MS);
    }
  }

  /** The first execution that the runtime document says nothing of. */
  private _firstUnseen(): string | undefined {
    const { model, room } = this._options;
    return [...this._pending.keys()].find(
      id => !room.synced || !model.executions.has(id)
    );
  }

  private async _ask(): Promise<void> {
    const id = this._firstUnseen();
    if (id === undefined) {
      return;
    }
    try {
      const execution = await this._options.read(id, WAIT_SECONDS);
      if (isTerminal(execution)) {
        this._settle(id, execution);
      }
    } catch (reason) {
      if (reason instanceof RuntError && !AWAY.has(reason.code)) {
        this._pending.get(id)?.reject(reason);
        this._pending.delete(id);
      }
    }
    if (!this._isDisposed) {
      this._watch();
    }
  }

  private _options: Completions.IOptions;
  private _pending = new Map<string, PromiseDelegate<IExecution>>();
  private _added = new Signal<this, string>(this);
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _isDisposed = false;
}

/**
 * A namespace for Completions statics.
 */
export namespace Completions {
  /**
   * The options of completions.
   */
  export interface IOptions {
    model: RuntimeModel;
    room: {
      readonly synced: boolean;
      readonly syncedChanged: ISignal<unknown, boolean>;
    };
    /** Ask the API, waiting up to some seconds for the end. */
    read: (executionId: string, wait: number) => Promise<IExecution>;
  }
}
