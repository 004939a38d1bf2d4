import type { IDisposable } from '@lumino/disposable';
import * as Y from 'yjs';

/**
 * Notes which cells are edited in this tab, so that their text can be kept.
 */
export class TouchedCells implements IDisposable {
  constructor(document: Y.Doc) {
    this._cells = document.getArray<Y.Map<unknown>>('cells');
    this._cells.observeDeep(this._onCells);
  }

  /**
   * Return how the cells read that were edited since the last call.
   */
  take(): Record<string, string> {
    const texts: Record<string, string> = {};
    for (const cell of this._touched) {
      const id = cell.get('id');
      const source = cell.get('source');
      if (typeof id === 'string' && source instanceof Y.Text) {
        texts[id] = source.toJSON();
      }
    }
    this._touched.clear();
    return texts;
  }

  /**
   * Whether nothing is noted any more.
   */
  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /**
   * Note nothing any more.
   */
  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      this._cells.unobserveDeep(this._onCells);
      this._touched.clear();
    }
  }

  private _onCells = (
    events: Y.YEvent<Y.AbstractType<unknown>>[],
    { local }: Y.Transaction
  ) => {
    if (!local) {
      return;
    }
    for (const event of events) {
      if (typeof event.path[0] === 'number') {
        this._touched.add(this._cells.get(event.path[0]));
        continue;
      }
      for (const { insert } of event.changes.delta) {
        for (const cell of (insert ?? []) as Y.Map<unknown>[]) {
          this._touched.add(cell);
        }
      }
    }
  };

  private _cells: Y.Array<Y.Map<unknown>>;
  private _touched = new Set<Y.Map<unknown>>();
  private _isDisposed = false;
}
