import type { Cell, ICellModel } from '@jupyterlab/cells';
import type { Notebook } from '@jupyterlab/notebook';
import type { IObservableList } from '@jupyterlab/observables';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';

import { runtMetadata } from '../model/cellType';
import { hiddenIcon, seenIcon } from './icons';

/**
 * Tell whether the AI is not shown a cell.
 */
export function isHidden({ sharedModel }: ICellModel): boolean {
  return runtMetadata(sharedModel).context_hidden === true;
}

/**
 * An eye on the cells that the AI is not shown; while a person chooses, on all of them.
 */
export class ContextEyes implements IDisposable {
  constructor(private _options: ContextEyes.IOptions) {
    const { cells } = _options.notebook.model!;
    cells.changed.connect(this._onCells, this);
    for (const model of cells) {
      model.metadataChanged.connect(this._onMetadata, this);
      if (isHidden(model)) {
        this._soon();
      }
    }
  }

  /**
   * Whether the person chooses what the AI is shown.
   */
  get isChoosing(): boolean {
    return this._isChoosing;
  }
  set isChoosing(choosing: boolean) {
    this._isChoosing = choosing;
    this._options.notebook.node.classList.toggle(
      'jp-runt-mod-choosing',
      choosing
    );
    this._soon();
  }

  /**
   * Whether there are no eyes any more.
   */
  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /**
   * Take the eyes away.
   */
  dispose(): void {
    this._isDisposed = true;
    cancelAnimationFrame(this._frame);
    Signal.clearData(this);
  }

  private _onCells(
    _: unknown,
    { newValues }: IObservableList.IChangedArgs<ICellModel>
  ): void {
    for (const model of newValues) {
      model.metadataChanged.connect(this._onMetadata, this);
      if (this._isChoosing || isHidden(model)) {
        this._soon();
      }
    }
  }

  private _onMetadata(_: ICellModel, { key }: { key: string }): void {
    if (key === 'runt') {
      this._soon();
    }
  }

  private _soon(): void {
    if (this._frame === 0 && !this._isDisposed) {
      this._frame = requestAnimationFrame(() => {
        this._frame = 0;
        this._options.notebook.widgets.forEach(this._update, this);
      });
    }
  }

  private _update(cell: Cell): void {
    const hidden = isHidden(cell.model);
    let eye = this._eyes.get(cell);
    if (!hidden && !this._isChoosing) {
      eye?.remove();
      this._eyes.delete(cell);
    } else {
      if (eye === undefined) {
        eye = this._create(cell);
        this._eyes.set(cell, eye);
        cell.node.append(eye);
      }
      this._write(eye, hidden);
    }
    cell.toggleClass('jp-runt-mod-hiddenFromAI', hidden);
  }

  private _create(cell: Cell): HTMLButtonElement {
    const eye = document.createElement('button');
    eye.type = 'button';
    eye.className = 'jp-runt-Eye';
    eye.addEventListener('click', () => {
      const { id } = cell.model;
      this._options.onChoose([id], isHidden(cell.model));
    });
    return eye;
  }

  private _write(eye: HTMLButtonElement, hidden: boolean): void {
    const { trans } = this._options;
    if (eye.getAttribute('aria-pressed') === String(!hidden)) {
      return;
    }
    eye.setAttribute('aria-pressed', String(!hidden));
    eye.setAttribute('aria-label', trans.__('The AI sees this cell'));
    eye.title = hidden
      ? trans.__('The AI does not see this cell: let it')
      : trans.__('The AI sees this cell: hide it');
    eye.replaceChildren(
      (hidden ? hiddenIcon : seenIcon).element({ tag: 'span' })
    );
  }

  private _eyes = new WeakMap<Cell, HTMLButtonElement>();
  private _isChoosing = false;
  private _frame = 0;
  private _isDisposed = false;
}

/**
 * A namespace for ContextEyes statics.
 */
export namespace ContextEyes {
  /**
   * The options of the eyes of a notebook.
   */
  export interface IOptions {
    notebook: Notebook;
    trans: TranslationBundle;

    /**
     * The AI is to be shown cells, or not.
     */
    onChoose: (cellIds: string[], visible: boolean) => void;
  }
}
