import { type ISignal, Signal } from '@lumino/signaling';
import * as Y from 'yjs';

import type { IExecution } from '../services/client';

const NONE: ReadonlySet<string> = new Set();
const TERMINAL = new Set(['ok', 'error', 'cancelled', 'lost']);

/**
 * Tell whether an execution has ended.
 */
export function isTerminal(execution: IExecution): boolean {
  return TERMINAL.has(execution.status);
}

/**
 * A notebook's kernel, as the runtime document shows it; empty without one.
 */
export interface IRuntime {
  kernel_id?: string | null;
  kernel_name?: string | null;
  status?: string | null;
  since?: string | null;
  /** Who started it. */
  owner?: string | null;
  /** The machine that it runs on. */
  host?: string | null;
  /** Why it is as it is. */
  reason?: string | null;
  /** How the kernel before this one ended, where nobody asked for it. */
  previous_end?: { reason: string; at: string } | null;
}

/**
 * Reads a runtime document.
 */
export class RuntimeModel {
  /**
   * The ids of the executions that came, went or changed.
   */
  get executionsChanged(): ISignal<this, ReadonlySet<string>> {
    return this._executionsChanged;
  }

  /**
   * The ids of the cells whose executions came, went or changed.
   */
  get cellsChanged(): ISignal<this, ReadonlySet<string>> {
    return this._cellsChanged;
  }

  /**
   * What waits and runs is other than it was.
   */
  get queueChanged(): ISignal<this, void> {
    return this._queueChanged;
  }

  /**
   * The kernel, or its state, is another.
   */
  get runtimeChanged(): ISignal<this, IRuntime> {
    return this._runtimeChanged;
  }

  /**
   * The executions that are active, and the last ones of each cell.
   */
  get executions(): ReadonlyMap<string, IExecution> {
    return this._executions;
  }

  /**
   * The ids of the executions that wait or run, in order.
   */
  get queue(): readonly string[] {
    this._queue ??= this._document?.getArray<string>('queue').toArray() ?? [];
    return this._queue;
  }

  /**
   * The notebook's kernel.
   */
  get runtime(): IRuntime {
    return this._document?.getMap('runtime').toJSON() ?? {};
  }

  /**
   * Return the known executions of a cell, in the order they were asked for.
   */
  ofCell(cellId: string): IExecution[] {
    return [...this.idsOfCell(cellId)]
      .map(id => this._executions.get(id)!)
      .sort((a, b) => a.requested_at.localeCompare(b.requested_at));
  }

  /**
   * Return the ids of the known executions of a cell.
   */
  idsOfCell(cellId: string): ReadonlySet<string> {
    return this._byCell.get(cellId) ?? NONE;
  }

  /**
   * Read this document from now on.
   */
  follow(document: Y.Doc): void {
    this.unfollow();
    this._document = document;
    const executions = document.getMap('executions');
    executions.observeDeep(this._onExecutions);
    document.getMap('runtime').observeDeep(this._onRuntime);
    document.getArray('queue').observe(this._onQueue);
    this._read([...this._executions.keys(), ...executions.keys()]);
    this._onQueue();
  }

  /**
   * Read no document any more.
   */
  unfollow(): void {
    this._document?.getMap('executions').unobserveDeep(this._onExecutions);
    this._document?.getMap('runtime').unobserveDeep(this._onRuntime);
    this._document?.getArray('queue').unobserve(this._onQueue);
    this._document = null;
  }

  private _onExecutions = (events: Y.YEvent<Y.AbstractType<unknown>>[]) => {
    this._read(
      events.flatMap(event =>
        event.path.length === 0
          ? [...event.changes.keys.keys()]
          : [String(event.path[0])]
      )
    );
  };

  private _onRuntime = () => {
    this._runtimeChanged.emit(this.runtime);
  };

  private _onQueue = () => {
    this._queue = null;
    this._queueChanged.emit();
  };

  private _read(ids: string[]): void {
    const executions = this._document!.getMap('executions');
    const cells = new Set<string>();
    for (const id of ids) {
      const value = executions.get(id);
      const json: unknown = value instanceof Y.Map ? value.toJSON() : value;
      cells.add(this._set(id, json as IExecution | undefined));
    }
    if (ids.length > 0) {
      this._executionsChanged.emit(new Set(ids));
      this._cellsChanged.emit(cells);
    }
  }

  /** Returns the id of the cell. */
  private _set(id: string, execution: IExecution | undefined): string {
    if (execution === undefined) {
      const cellId = this._executions.get(id)?.cell_id ?? '';
      this._executions.delete(id);
      this._byCell.get(cellId)?.delete(id);
      return cellId;
    }
    this._executions.set(id, execution);
    const siblings = this._byCell.get(execution.cell_id) ?? new Set();
    this._byCell.set(execution.cell_id, siblings.add(id));
    return execution.cell_id;
  }

  private _document: Y.Doc | null = null;
  private _executions = new Map<string, IExecution>();
  private _byCell = new Map<string, Set<string>>();
  /** Null where it has to be read again. */
  private _queue: string[] | null = null;
  private _executionsChanged = new Signal<this, ReadonlySet<string>>(this);
  private _cellsChanged = new Signal<this, ReadonlySet<string>>(this);
  private _queueChanged = new Signal<this, void>(this);
  private _runtimeChanged = new Signal<this, IRuntime>(this);
}
