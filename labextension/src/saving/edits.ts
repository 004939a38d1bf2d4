import * as Y from 'yjs';

/** How far each Yjs client has written. */
export type Clocks = ReadonlyMap<number, number>;

/**
 * Edits that were made here, and of which it is not known that the server has them.
 */
export interface IEdit {
  /** Of the last transaction; they are counted from 1. */
  readonly number: number;
  /** Transactions. */
  readonly count: number;
  readonly update: Uint8Array;
  /** What a state vector must cover to hold what was inserted. */
  readonly clocks: Clocks;
  /** No state vector tells of what was deleted. */
  readonly deletes: boolean;
  /** When it was made, in milliseconds. */
  readonly at: number;
  /** Where it is kept in this browser. */
  id?: number;
}

/**
 * Tell whether what one replica holds is all that another one has written.
 */
export function covers(held: Clocks, written: Clocks): boolean {
  return [...written].every(([client, clock]) => {
    return (held.get(client) ?? 0) >= clock;
  });
}

/**
 * Return the clocks of a state vector in base64.
 */
export function readVector(base64: string): Clocks {
  const bytes = Uint8Array.from(atob(base64), char => char.charCodeAt(0));
  return Y.decodeStateVector(bytes);
}

/**
 * The edits of this tab that the server has not acknowledged, oldest first.
 */
export class PendingEdits {
  /**
   * All of them.
   */
  get all(): readonly IEdit[] {
    return this._edits;
  }

  /**
   * How many transactions they are.
   */
  get count(): number {
    return this._edits.reduce((sum, { count }) => sum + count, 0);
  }

  /**
   * How large they are, in bytes.
   */
  get bytes(): number {
    return this._edits.reduce((sum, { update }) => sum + update.length, 0);
  }

  /**
   * The number of the last transaction.
   */
  get last(): number {
    return this._last;
  }

  /**
   * Whether a state vector is not enough to acknowledge them.
   */
  get deletes(): boolean {
    return this._edits.some(({ deletes }) => deletes);
  }

  /**
   * Add an update that was made here, or that was kept at `id`.
   */
  add(
    update: Uint8Array,
    at: number,
    kept?: { id: number; count: number }
  ): void {
    this._edits.push({
      number: ++this._last,
      count: kept?.count ?? 1,
      update,
      clocks: Y.parseUpdateMeta(update).to,
      deletes: Y.decodeUpdate(update).ds.clients.size > 0,
      at,
      id: kept?.id
    });
  }

  /**
   * Make one edit of several, and return it.
   */
  merge(edits: readonly IEdit[]): IEdit {
    const update = Y.mergeUpdates(edits.map(edit => edit.update));
    const merged: IEdit = {
      number: edits[edits.length - 1].number,
      count: edits.reduce((sum, { count }) => sum + count, 0),
      update,
      clocks: Y.parseUpdateMeta(update).to,
      deletes: edits.some(({ deletes }) => deletes),
      at: edits[0].at
    };
    const position = this._edits.indexOf(edits[0]);
    this._remove(new Set(edits));
    this._edits.splice(position, 0, merged);
    return merged;
  }

  /**
   * Forget what the server's log holds by its state vector; return it.
   */
  confirm(held: Clocks): IEdit[] {
    return this._remove(
      new Set(
        this._edits.filter(
          ({ clocks, deletes }) => !deletes && covers(held, clocks)
        )
      )
    );
  }

  /**
   * Forget what was made until a transaction, as the log holds it; return it.
   */
  settle(number: number): IEdit[] {
    return this._remove(
      new Set(this._edits.filter(edit => edit.number <= number))
    );
  }

  private _remove(edits: ReadonlySet<IEdit>): IEdit[] {
    if (edits.size > 0) {
      this._edits = this._edits.filter(edit => !edits.has(edit));
    }
    return [...edits];
  }

  private _edits: IEdit[] = [];
  private _last = 0;
}

/**
 * Tell whether a document has all that an update builds on.
 */
export function integrates(document: Y.Doc, update: Uint8Array): boolean {
  const trial = new Y.Doc();
  Y.applyUpdate(trial, Y.encodeStateAsUpdate(document));
  Y.applyUpdate(trial, update);
  const { pendingStructs, pendingDs } = trial.store;
  trial.destroy();
  return pendingStructs === null && pendingDs === null;
}
