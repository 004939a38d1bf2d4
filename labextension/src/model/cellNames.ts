import type { ISharedNotebook } from '@jupyter/ydoc';
import type { TranslationBundle } from '@jupyterlab/translation';

/** How many cells are named one by one. */
const NAMED = 4;

/**
 * Names cells as people see them: by where they are now.
 */
export class CellNames {
  constructor(
    notebook: Pick<ISharedNotebook, 'cells'>,
    private _trans: TranslationBundle
  ) {
    notebook.cells.forEach((cell, index) => {
      this._cells.set(cell.getId(), { number: index + 1, cell });
    });
  }

  /**
   * Return a phrase for some cells, empty if there are none.
   */
  phrase(ids: readonly string[]): string {
    const there = ids.flatMap(id => this._cells.get(id) ?? []);
    const gone = ids.length - there.length;
    const parts: string[] = [];
    if (there.length === 1) {
      parts.push(this._one(there[0]));
    } else if (there.length > 1) {
      parts.push(this._several(there.map(({ number }) => number)));
    }
    if (gone > 0) {
      parts.push(
        this._trans._n('%1 deleted cell', '%1 deleted cells', gone, gone)
      );
    }
    return parts.join(' · ');
  }

  private _one({ number, cell }: INumbered): string {
    const line = cell.getSource().trim().split('\n', 1)[0].slice(0, 60);
    return line === ''
      ? this._trans.__('Cell %1', number)
      : this._trans.__('Cell %1: %2', number, line);
  }

  private _several(numbers: number[]): string {
    const sorted = numbers.sort((a, b) => a - b);
    const named = sorted.slice(0, NAMED).join(', ');
    const more = sorted.length - NAMED;
    return more > 0
      ? this._trans.__('Cells %1 and %2 more', named, more)
      : this._trans.__('Cells %1', named);
  }

  private _cells = new Map<string, INumbered>();
}

interface INumbered {
  number: number;
  cell: ISharedNotebook['cells'][number];
}
