import type { Cell } from '@jupyterlab/cells';
import type { Notebook } from '@jupyterlab/notebook';
import type { LabIcon } from '@jupyterlab/ui-components';
import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

/**
 * What is in the margin of a cell.
 */
export interface IMark {
  icon: LabIcon;
  isOn: boolean;
  isDisabled: boolean;
  /** What is so where it is on. */
  label: string;
  /** What is so. */
  title: string;
}

/**
 * Buttons in the margin of cells, which are on or off.
 */
export class CellMarks implements IDisposable {
  constructor(private _options: CellMarks.IOptions) {}

  /**
   * The marks were looked at again.
   */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /**
   * Look at all of them again, once in the next frame.
   */
  refresh(): void {
    if (this._frame === 0 && !this._isDisposed) {
      this._frame = requestAnimationFrame(() => {
        this._frame = 0;
        this._options.notebook.widgets.forEach(this._update, this);
        this._changed.emit();
      });
    }
  }

  /**
   * Whether there are none any more.
   */
  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /**
   * Take them away.
   */
  dispose(): void {
    this._isDisposed = true;
    cancelAnimationFrame(this._frame);
    for (const cell of this._options.notebook.widgets) {
      this._buttons.get(cell)?.remove();
    }
    Signal.clearData(this);
  }

  private _update(cell: Cell): void {
    const mark = this._options.mark(cell);
    let button = this._buttons.get(cell);
    if (mark === null) {
      button?.remove();
      this._buttons.delete(cell);
      return;
    }
    if (button === undefined) {
      button = this._create(cell);
      this._buttons.set(cell, button);
      cell.node.append(button);
    }
    button.disabled = mark.isDisabled;
    if (button.title !== mark.title) {
      button.setAttribute('aria-pressed', String(mark.isOn));
      button.setAttribute('aria-label', mark.label);
      button.title = mark.title;
      button.replaceChildren(mark.icon.element({ tag: 'span' }));
    }
  }

  private _create(cell: Cell): HTMLButtonElement {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = `jp-runt-Mark ${this._options.className}`;
    button.addEventListener('click', () => this._options.onPress(cell));
    return button;
  }

  private _buttons = new WeakMap<Cell, HTMLButtonElement>();
  private _frame = 0;
  private _isDisposed = false;
  private _changed = new Signal<this, void>(this);
}

/**
 * A namespace for CellMarks statics.
 */
export namespace CellMarks {
  /**
   * The options of marks.
   */
  export interface IOptions {
    notebook: Pick<Notebook, 'widgets'>;
    className: string;

    /**
     * Return what a cell has, null for nothing.
     */
    mark: (cell: Cell) => IMark | null;

    /**
     * The person pressed the one of a cell.
     */
    onPress: (cell: Cell) => void;
  }
}
