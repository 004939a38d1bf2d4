import { type ISignal, Signal } from '@lumino/signaling';

/**
 * Knows which cells a person chose for the questions of AI cells to show, in this tab.
 */
export class ChosenCells {
  /**
   * The id of an AI cell for which others were chosen.
   */
  get changed(): ISignal<this, string> {
    return this._changed;
  }

  /**
   * Return the ids of the cells that a question shows; null: those above it.
   */
  of(cellId: string): string[] | null {
    return this._chosen.get(cellId) ?? null;
  }

  /**
   * Have the questions of an AI cell show these, from now on.
   */
  choose(cellId: string, ids: string[] | null): void {
    if (ids === null) {
      this._chosen.delete(cellId);
    } else {
      this._chosen.set(cellId, ids);
    }
    this._changed.emit(cellId);
  }

  /**
   * Forget cells that are there no more.
   */
  keep(there: ReadonlySet<string>): void {
    for (const [cellId, ids] of this._chosen) {
      const left = ids.filter(id => there.has(id));
      if (left.length < ids.length) {
        this.choose(cellId, left);
      }
    }
  }

  private _chosen = new Map<string, string[]>();
  private _changed = new Signal<this, string>(this);
}
