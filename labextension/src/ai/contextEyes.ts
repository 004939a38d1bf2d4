import type { Cell, ICellModel } from '@jupyterlab/cells';
import type { Notebook } from '@jupyterlab/notebook';
import type { IObservableList } from '@jupyterlab/observables';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import { runtMetadata } from '../model/cellType';
import { CellMarks, type IMark } from './cellMarks';
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
    const { notebook, onChoose } = _options;
    const { cells } = notebook.model!;
    this._marks = new CellMarks({
      notebook,
      className: 'jp-runt-Eye',
      mark: cell => this._mark(cell),
      onPress: ({ model }) => onChoose([model.id], isHidden(model))
    });
    cells.changed.connect(this._onCells, this);
    for (const model of cells) {
      model.metadataChanged.connect(this._onMetadata, this);
      if (isHidden(model)) {
        this.refresh();
      }
    }
  }

  /**
   * The AI is shown other cells than before, or it is chosen.
   */
  get changed(): ISignal<unknown, void> {
    return this._marks.changed;
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
    this.refresh();
  }

  /**
   * Look at all cells again: the person may edit now, or no more.
   */
  refresh(): void {
    this._marks.refresh();
  }

  /**
   * Whether there are no eyes any more.
   */
  get isDisposed(): boolean {
    return this._marks.isDisposed;
  }

  /**
   * Take the eyes away.
   */
  dispose(): void {
    this._marks.dispose();
    Signal.clearData(this);
  }

  private _onCells(
    _: unknown,
    { newValues }: IObservableList.IChangedArgs<ICellModel>
  ): void {
    for (const model of newValues) {
      model.metadataChanged.connect(this._onMetadata, this);
      if (this._isChoosing || isHidden(model)) {
        this.refresh();
      }
    }
  }

  private _onMetadata(_: ICellModel, { key }: { key: string }): void {
    if (key === 'runt') {
      this.refresh();
    }
  }

  private _mark(cell: Cell): IMark | null {
    const { isWritable, trans } = this._options;
    const hidden = isHidden(cell.model);
    cell.toggleClass('jp-runt-mod-hiddenFromAI', hidden);
    if (!hidden && !this._isChoosing) {
      return null;
    }
    return {
      icon: hidden ? hiddenIcon : seenIcon,
      isOn: !hidden,
      isDisabled: !isWritable(),
      label: trans.__('The AI sees this cell'),
      title: hidden
        ? trans.__('The AI does not see this cell')
        : trans.__('The AI sees this cell')
    };
  }

  private _marks: CellMarks;
  private _isChoosing = false;
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
     * Return whether the person may edit the notebook.
     */
    isWritable: () => boolean;

    /**
     * The AI is to be shown cells, or not.
     */
    onChoose: (cellIds: string[], visible: boolean) => void;
  }
}
