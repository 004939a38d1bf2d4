import type { Cell, CodeCell, ICellModel } from '@jupyterlab/cells';
import type { Notebook } from '@jupyterlab/notebook';
import type { IObservableList } from '@jupyterlab/observables';
import type { IOutputAreaModel } from '@jupyterlab/outputarea';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import { type PanelLayout, Widget } from '@lumino/widgets';

import { isRepeated } from './clicks';
import { isHidden } from './contextEyes';
import { aiIcon } from './icons';

/**
 * What the AI is asked to do about a cell that failed.
 */
export type Remedy = 'fix' | 'explain';

/**
 * Tell whether a cell put out an error, whenever and wherever it ran.
 */
export function hasFailed(model: ICellModel): boolean {
  const outputs = outputsOf(model);
  // An error is the last thing that a cell says, or nearly.
  for (let index = (outputs?.length ?? 0) - 1; index >= 0; index--) {
    if (outputs!.get(index).type === 'error') {
      return true;
    }
  }
  return false;
}

function outputsOf(model: ICellModel): IOutputAreaModel | undefined {
  return (model as Partial<CodeCell['model']>).outputs;
}

/**
 * Offers below cells that failed to have the AI fix or explain that.
 */
export class FailureOffers implements IDisposable {
  constructor(private _options: FailureOffers.IOptions) {
    const { cells } = _options.notebook.model!;
    cells.changed.connect(this._onCells, this);
    for (const model of cells) {
      this._follow(model);
    }
  }

  /**
   * Look at all cells again: the person may edit now, or no more.
   */
  refresh(): void {
    for (const { id } of this._options.notebook.model!.cells) {
      this._look(id);
    }
  }

  /**
   * Whether nothing is offered any more.
   */
  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /**
   * Offer nothing any more.
   */
  dispose(): void {
    this._isDisposed = true;
    cancelAnimationFrame(this._frame);
    this._offers.forEach(offer => offer.dispose());
    Signal.clearData(this);
  }

  private _onCells(
    _: unknown,
    { newValues }: IObservableList.IChangedArgs<ICellModel>
  ): void {
    newValues.forEach(this._follow, this);
  }

  private _follow(model: ICellModel): void {
    const look = () => {
      if (this._offers.has(model.id) || hasFailed(model)) {
        this._look(model.id);
      }
    };
    outputsOf(model)?.changed.connect(look, this);
    model.metadataChanged.connect(look, this);
    look();
  }

  private _look(cellId: string): void {
    this._dirty.add(cellId);
    if (this._frame === 0 && !this._isDisposed) {
      this._frame = requestAnimationFrame(() => {
        this._frame = 0;
        const dirty = new Set(this._dirty);
        this._dirty.clear();
        for (const cell of this._options.notebook.widgets) {
          if (dirty.has(cell.model.id)) {
            this._update(cell);
          }
        }
      });
    }
  }

  private _update(cell: Cell): void {
    const { id } = cell.model;
    const isSeen = hasFailed(cell.model) && !isHidden(cell.model);
    if (!this._options.isWritable() || !isSeen) {
      this._offers.get(id)?.dispose();
      this._offers.delete(id);
    } else if (cell.isPlaceholder()) {
      void cell.ready.then(() => this._look(id));
    } else if (this._offers.get(id)?.parent !== cell) {
      this._offers.get(id)?.dispose();
      this._offers.set(id, this._create(cell as CodeCell));
    }
  }

  private _create(cell: CodeCell): Widget {
    const { onAsk, trans } = this._options;
    const offer = new Widget();
    offer.addClass('jp-runt-Offer');
    const button = (remedy: Remedy, label: string, caption: string) => {
      const made = document.createElement('button');
      made.type = 'button';
      made.className = 'jp-runt-link-button';
      made.dataset.remedy = remedy;
      made.textContent = label;
      made.title = caption;
      made.addEventListener('click', ({ detail }) => {
        if (!isRepeated(detail)) {
          onAsk(remedy, cell.model.id);
        }
      });
      return made;
    };
    offer.node.append(
      aiIcon.element({ tag: 'span' }),
      button('fix', trans.__('Fix'), trans.__('Ask the AI to fix this cell')),
      button(
        'explain',
        trans.__('Explain'),
        trans.__('Ask the AI to explain the error')
      )
    );
    const layout = cell.layout as PanelLayout;
    const footer = layout.widgets.findIndex(widget =>
      widget.hasClass('jp-Cell-footer')
    );
    layout.insertWidget(footer < 0 ? layout.widgets.length : footer, offer);
    return offer;
  }

  private _offers = new Map<string, Widget>();
  private _dirty = new Set<string>();
  private _frame = 0;
  private _isDisposed = false;
}

/**
 * A namespace for FailureOffers statics.
 */
export namespace FailureOffers {
  /**
   * The options of the offers in a notebook.
   */
  export interface IOptions {
    notebook: Pick<Notebook, 'model' | 'widgets'>;
    trans: TranslationBundle;

    /**
     * Return whether the person may edit the notebook.
     */
    isWritable: () => boolean;

    /**
     * The person wants the AI to do that about a cell.
     */
    onAsk: (remedy: Remedy, cellId: string) => void;
  }
}
