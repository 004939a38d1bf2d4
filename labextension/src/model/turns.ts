import { type ISignal, Signal } from '@lumino/signaling';
import * as Y from 'yjs';

import type { ITurn, ITurnFacts, IWaitingCall } from '../services/ai';

const NONE: ReadonlySet<string> = new Set();

/**
 * Tell whether a turn goes on.
 */
export function isActive({ status }: Pick<ITurnFacts, 'status'>): boolean {
  return status === 'running' || status === 'waiting';
}

/**
 * Reads the turns of AI cells, and what waits for a decision, from a runtime document.
 */
export class TurnsModel {
  /**
   * The ids of the cells whose turns came, went or changed.
   */
  get changed(): ISignal<this, ReadonlySet<string>> {
    return this._changed;
  }

  /**
   * Other calls than before wait for a decision.
   */
  get waitingChanged(): ISignal<this, void> {
    return this._waitingChanged;
  }

  /**
   * The turns that are active, and the last one of each cell.
   */
  get turns(): ReadonlyMap<string, ITurn> {
    return this._turns;
  }

  /**
   * The calls that wait for a decision, the oldest first.
   */
  get waiting(): readonly IWaitingCall[] {
    this._waiting ??= Object.values<IWaitingCall>(
      this._document?.getMap('approvals').toJSON() ?? {}
    ).sort((a, b) => a.requested_at.localeCompare(b.requested_at));
    return this._waiting;
  }

  /**
   * Return the last turn of a cell.
   */
  last(cellId: string): ITurn | undefined {
    let last: ITurn | undefined;
    for (const id of this._byCell.get(cellId) ?? NONE) {
      const turn = this._turns.get(id)!;
      if (last === undefined || turn.requested_at >= last.requested_at) {
        last = turn;
      }
    }
    return last;
  }

  /**
   * Read this document from now on.
   */
  follow(document: Y.Doc): void {
    this.unfollow();
    this._document = document;
    const turns = document.getMap('turns');
    turns.observeDeep(this._onTurns);
    document.getMap('approvals').observeDeep(this._onApprovals);
    this._read([...this._turns.keys(), ...turns.keys()]);
    this._onApprovals();
  }

  /**
   * Read no document any more.
   */
  unfollow(): void {
    this._document?.getMap('turns').unobserveDeep(this._onTurns);
    this._document?.getMap('approvals').unobserveDeep(this._onApprovals);
    this._document = null;
  }

  private _onTurns = (events: Y.YEvent<Y.AbstractType<unknown>>[]) => {
    this._read(
      events.flatMap(event =>
        event.path.length === 0
          ? [...event.changes.keys.keys()]
          : [String(event.path[0])]
      )
    );
  };

  private _onApprovals = () => {
    this._waiting = null;
    this._waitingChanged.emit();
  };

  private _read(ids: string[]): void {
    const turns = this._document!.getMap('turns');
    const cells = new Set<string>();
    for (const id of new Set(ids)) {
      const value = turns.get(id);
      const turn = value instanceof Y.Map ? (value.toJSON() as ITurn) : null;
      const cellId = (turn ?? this._turns.get(id))?.cell_id;
      if (cellId === undefined) {
        continue;
      }
      cells.add(cellId);
      if (turn === null) {
        this._turns.delete(id);
        this._byCell.get(cellId)?.delete(id);
      } else {
        this._turns.set(id, turn);
        const siblings = this._byCell.get(cellId) ?? new Set();
        this._byCell.set(cellId, siblings.add(id));
      }
    }
    if (cells.size > 0) {
      this._changed.emit(cells);
    }
  }

  private _document: Y.Doc | null = null;
  private _turns = new Map<string, ITurn>();
  private _byCell = new Map<string, Set<string>>();
  /** Null where it has to be read again. */
  private _waiting: readonly IWaitingCall[] | null = null;
  private _changed = new Signal<this, ReadonlySet<string>>(this);
  private _waitingChanged = new Signal<this, void>(this);
}
