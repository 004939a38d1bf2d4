import { type ISignal, Signal } from '@lumino/signaling';
import * as Y from 'yjs';

import type { IExecution } from '../services/client';

const TERMINAL = new Set(['ok', 'error', 'cancelled', 'lost']);

/**
 * Tell whether an execution has ended.
 */
export function isTerminal(execution: IExecution): boolean {
  return TERMINAL.has(execution.status);
}

/**
 * A notebook's kernel, as the runtime document shows it.
 */
export interface IRuntime {
  kernel_id?: string | null;
  status?: string | null;
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
   * The notebook's kernel.
   */
  get runtime(): IRuntime {
    return this._document?.getMap('runtime').toJSON() ?? {};
  }

  /**
   * Return the known executions of a cell, in the order they were asked for.
   */
  ofCell(cellId: string): IExecution[] {
    return [...(this._byCell.get(cellId) ?? [])]
      .map(id => this._executions.get(id)!)
      .sort((a, b) => a.requested_at.localeCompare(b.requested_at));
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
    this._read([...this._executions.keys(), ...executions.keys()]);
  }

  /**
   * Read no document any more.
   */
  unfollow(): void {
    this._document?.getMap('executions').unobserveDeep(this._onExecutions);
    this._document?.getMap('runtime').unobserveDeep(this._onRuntime);
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

  private _read(ids: string[]): void {
    const executions = this._document!.getMap('executions');
    for (const id of ids) {
      const value = executions.get(id);
      const json: unknown = value instanceof Y.Map ? value.toJSON() : value;
      this._set(id, json as IExecution | undefined);
    }
    if (ids.length > 0) {
      this._executionsChanged.emit(new Set(ids));
    }
  }

  private _set(id: string, execution: IExecution | undefined): void {
    if (execution === undefined) {
      const cellId = this._executions.get(id)?.cell_id;
      this._executions.delete(id);
      this._byCell.get(cellId ?? '')?.delete(id);
      return;
    }
    this._executions.set(id, execution);
    const siblings = this._byCell.get(execution.cell_id) ?? new Set();
    this._byCell.set(execution.cell_id, siblings.add(id));
  }

  private _document: Y.Doc | null = null;
  private _executions = new Map<string, IExecution>();
  private _byCell = new Map<string, Set<string>>();
  private _executionsChanged = new Signal<this, ReadonlySet<string>>(this);
  private _runtimeChanged = new Signal<this, IRuntime>(this);
}
