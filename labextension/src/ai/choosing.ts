import type { Cell, ICellModel } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import type { ChosenCells } from '../model/chosenCells';
import { CellMarks, type IMark } from './cellMarks';
import { ChooserBar, type Choice } from './chooserBar';
import { ContextEyes, isHidden } from './contextEyes';
import { checkedIcon, uncheckedIcon } from './icons';

/** What the notebook says of itself while cells are chosen, and while it is for a question. */
const MARKING = 'jp-runt-mod-marking';
const PICKING = 'jp-runt-mod-picking';

/**
 * Lets a person choose what the AI sees: of the notebook, always, and for the questions of one cell.
 *
 * It is chosen with buttons in the margins of cells, and with the keyboard; a bar says what is chosen.
 */
export class Choosing implements IDisposable {
  constructor(private _options: Choosing.IOptions) {
    const { isWritable, onVisible, panel, trans } = _options;
    this._eyes = new ContextEyes({
      notebook: panel.content,
      trans,
      isWritable,
      onChoose: onVisible
    });
    this._picks = new CellMarks({
      notebook: panel.content,
      className: 'jp-runt-Pick',
      mark: cell => this._pick(cell),
      onPress: ({ model }) => this._toggle([model])
    });
    this._eyes.changed.connect(() => this._changed.emit(), this);
    panel.context.model.cells.changed.connect(this._onCells, this);
  }

  /**
   * The AI is shown other cells than before, or it is chosen.
   */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /**
   * Whether the person chooses something.
   */
  get isActive(): boolean {
    return this._bar !== null;
  }

  /**
   * Let the person choose what the AI sees of the notebook, or be done with it.
   */
  toggleEyes(): void {
    const begins = !this._eyes.isChoosing;
    this.end();
    if (begins) {
      const { trans } = this._options;
      this._eyes.isChoosing = true;
      this._open(trans.__('What the AI sees of this notebook'), {
        all: trans.__('Show All'),
        none: trans.__('Hide All'),
        selected: trans.__('Only Selected'),
        done: trans.__('Done')
      });
    }
  }

  /**
   * Let the person choose which cells the questions of an AI cell show, or be done with it.
   */
  togglePicking(asker: string): void {
    const begins = this._asker !== asker;
    this.end();
    if (begins) {
      const { chosen, panel, trans } = this._options;
      this._asker = asker;
      this._picked = new Set(chosen.of(asker) ?? this._above);
      panel.content.node.classList.add(PICKING);
      this._open('', {
        above: trans.__('Cells Above'),
        none: trans.__('None'),
        done: trans.__('Done')
      });
      this._say();
    }
  }

  /**
   * Choose the selected cells, or choose them no more.
   */
  toggleSelected(): void {
    const { content } = this._options.panel;
    const selected = content.widgets
      .filter(cell => content.isSelectedOrActive(cell))
      .map(({ model }) => model);
    if (this._asker !== null) {
      this._toggle(selected);
    } else if (this._eyes.isChoosing) {
      this.toggleVisible(selected);
    }
  }

  /**
   * Show cells to the AI, or hide them where it is shown all of them.
   */
  toggleVisible(cells: readonly ICellModel[]): void {
    const hidden = cells.some(isHidden);
    this._options.onVisible(
      cells.filter(cell => isHidden(cell) === hidden).map(({ id }) => id),
      hidden
    );
  }

  /**
   * Be done with it.
   */
  end(): void {
    const { content } = this._options.panel;
    this._bar?.dispose();
    this._bar = null;
    content.node.classList.remove(MARKING);
    if (this._eyes.isChoosing) {
      this._eyes.isChoosing = false;
    }
    if (this._asker !== null) {
      this._asker = null;
      content.node.classList.remove(PICKING);
      this._picks.refresh();
    }
    this._changed.emit();
  }

  /**
   * Look at all cells again: the person may edit now, or no more.
   */
  refresh(): void {
    this._eyes.refresh();
  }

  /**
   * Whether nothing is chosen any more.
   */
  get isDisposed(): boolean {
    return this._eyes.isDisposed;
  }

  /**
   * Leave the notebook.
   */
  dispose(): void {
    this._eyes.dispose();
    this._picks.dispose();
    Signal.clearData(this);
  }

  /** The cells that are shown where nothing is chosen. */
  private get _above(): string[] {
    const ids = [];
    for (const cell of this._options.panel.context.model.cells) {
      if (cell.id === this._asker) {
        break;
      }
      if (!isHidden(cell)) {
        ids.push(cell.id);
      }
    }
    return ids;
  }

  private _open(label: string, buttons: ChooserBar.IOptions['buttons']): void {
    const onChoose = (choice: Choice) => this._choose(choice);
    this._bar = new ChooserBar({ label, buttons, onChoose });
    const { content, contentHeader } = this._options.panel;
    contentHeader.addWidget(this._bar);
    content.node.classList.add(MARKING);
    this._changed.emit();
  }

  private _choose(choice: Choice): void {
    const { chosen, panel } = this._options;
    if (choice === 'done') {
      this.end();
    } else if (this._asker !== null) {
      this._picked = new Set(choice === 'above' ? this._above : []);
      this._say();
      chosen.choose(this._asker, choice === 'above' ? null : []);
    } else {
      const { content } = panel;
      const isSeen = (cell: Cell) =>
        choice === 'all' ||
        (choice === 'selected' && content.isSelectedOrActive(cell));
      for (const seen of [true, false]) {
        const changed = content.widgets.filter(
          cell => isSeen(cell) === seen && isHidden(cell.model) === seen
        );
        const ids = changed.map(({ model }) => model.id);
        this._options.onVisible(ids, seen);
      }
    }
  }

  private _toggle(cells: readonly ICellModel[]): void {
    const { chosen, panel } = this._options;
    const possible = cells.filter(
      cell => cell.id !== this._asker && !isHidden(cell)
    );
    const isOff = possible.some(({ id }) => !this._picked.has(id));
    for (const { id } of possible) {
      if (isOff) {
        this._picked.add(id);
      } else {
        this._picked.delete(id);
      }
    }
    const ids = [...panel.context.model.cells].map(({ id }) => id);
    chosen.choose(
      this._asker!,
      ids.filter(id => this._picked.has(id))
    );
    this._say();
  }

  private _say(): void {
    const { nameOf, trans } = this._options;
    const names = nameOf([...this._picked]);
    this._bar?.say(
      names === ''
        ? trans.__('The question shows no other cell')
        : trans.__('The question shows: %1', names)
    );
    this._picks.refresh();
  }

  private _pick({ model }: Cell): IMark | null {
    const { trans } = this._options;
    if (this._asker === null || model.id === this._asker || isHidden(model)) {
      return null;
    }
    const isOn = this._picked.has(model.id);
    return {
      icon: isOn ? checkedIcon : uncheckedIcon,
      isOn,
      isDisabled: false,
      label: trans.__('The question shows this cell'),
      title: isOn
        ? trans.__('The question shows this cell')
        : trans.__('The question does not show this cell')
    };
  }

  private _onCells(): void {
    const { chosen, panel } = this._options;
    const there = new Set([...panel.context.model.cells].map(({ id }) => id));
    chosen.keep(there);
    if (this._asker !== null && !there.has(this._asker)) {
      this.end();
    } else if (this._asker !== null) {
      this._picks.refresh();
    }
  }

  private _eyes: ContextEyes;
  private _picks: CellMarks;
  private _bar: ChooserBar | null = null;
  /** The AI cell whose questions show what is picked. */
  private _asker: string | null = null;
  private _picked = new Set<string>();
  private _changed = new Signal<this, void>(this);
}

/**
 * A namespace for Choosing statics.
 */
export namespace Choosing {
  /**
   * The options of choosing in a notebook.
   */
  export interface IOptions {
    panel: NotebookPanel;
    chosen: ChosenCells;
    trans: TranslationBundle;

    /**
     * Return whether the person may edit the notebook.
     */
    isWritable: () => boolean;

    /**
     * Return what people call some cells; empty for none.
     */
    nameOf: (cellIds: readonly string[]) => string;

    /**
     * The AI is to be shown cells, or not.
     */
    onVisible: (cellIds: string[], visible: boolean) => void;
  }
}
