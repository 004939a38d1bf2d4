import type { CodeCell, ICellModel } from '@jupyterlab/cells';
import type { Notebook } from '@jupyterlab/notebook';
import type { IObservableList } from '@jupyterlab/observables';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';

import { CellNames } from '../model/cellNames';
import { isAICell, runtMetadata } from '../model/cellType';
import type { ChosenCells } from '../model/chosenCells';
import type { TurnsModel } from '../model/turns';
import type { IWaitingCall } from '../services/ai';
import { AICell } from './aiCell';
import { ApprovalList } from './approvalList';
import type { Approvals } from './approvals';
import type { AIActions } from './actions';
import type { Models } from './models';
import type { ToolWords } from './toolWords';
import type { TurnWords } from './turnWords';

/**
 * Makes AI cells of the cells of a notebook that are some.
 *
 * Only cells whose type or turn changed are looked at, once in each frame.
 */
export class AICells implements IDisposable {
  constructor(private _options: AICells.IOptions) {
    const { approvals, chosen, notebook, turns } = _options;
    turns.changed.connect((_, ids) => this._look(ids), this);
    chosen.changed.connect(
      (_, id) => this._cells.get(id)?.view.refresh(),
      this
    );
    approvals.changed.connect(this._onApprovals, this);
    notebook.model?.cells.changed.connect(this._onCells, this);
    for (const model of notebook.model?.cells ?? []) {
      this._follow(model);
    }
    this._onApprovals();
  }

  /**
   * Let the person decide what waits in a cell, which is on the screen.
   *
   * @returns whether there is something that this person may decide.
   */
  focusApproval(cellId: string): boolean {
    return this._cells.get(cellId)?.approvals.focus() ?? false;
  }

  /**
   * Look at all of them again: the person may edit now, or no more.
   */
  refresh(): void {
    this._cells.forEach(({ view }) => view.refresh());
    this._look(this._cells.keys());
  }

  /**
   * Whether the cells are ordinary ones again.
   */
  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /**
   * Make all cells ordinary ones again.
   */
  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    cancelAnimationFrame(this._frame);
    this._cells.forEach(({ view }) => view.dispose());
    this._cells.clear();
    Signal.clearData(this);
  }

  private _onCells(
    _: unknown,
    { newValues }: IObservableList.IChangedArgs<ICellModel>
  ): void {
    newValues.forEach(this._follow, this);
  }

  private _follow(model: ICellModel): void {
    if (model.type === 'code') {
      model.metadataChanged.connect(this._onMetadata, this);
      if (isAICell(model.sharedModel)) {
        this._look([model.id]);
      }
    }
  }

  private _onMetadata(model: ICellModel, { key }: { key: string }): void {
    const { id, sharedModel } = model;
    if (key === 'runt' && isAICell(sharedModel) !== this._cells.has(id)) {
      this._look([id]);
    }
  }

  private _onApprovals(): void {
    const cells = new Set(this._waiting.map(({ cell_id }) => cell_id));
    this._waiting = this._options.approvals.pending.map(({ call }) => call);
    this._waiting.forEach(({ cell_id }) => cells.add(cell_id));
    this._look(cells);
  }

  private _look(cellIds: Iterable<string>): void {
    for (const cellId of cellIds) {
      this._dirty.add(cellId);
    }
    if (this._frame === 0 && this._dirty.size > 0 && !this._isDisposed) {
      this._frame = requestAnimationFrame(this._work);
    }
  }

  private _work = () => {
    this._frame = 0;
    const dirty = new Set(this._dirty);
    this._dirty.clear();
    for (const cell of this._options.notebook.widgets) {
      if (dirty.has(cell.model.id)) {
        this._update(cell as CodeCell);
      }
    }
  };

  private _update(cell: CodeCell): void {
    const { id, sharedModel } = cell.model;
    let known = this._cells.get(id);
    const isAI = isAICell(sharedModel);
    if (known && (!isAI || known.cell !== cell)) {
      this._cells.delete(id);
      known.view.dispose();
      known = undefined;
    }
    if (!isAI) {
      return;
    }
    if (cell.isPlaceholder()) {
      void cell.ready.then(() => this._look([id]));
      return;
    }
    if (known === undefined) {
      known = this._create(cell);
      if (this._cells.size === 0) {
        void known.view.prepare();
      }
      this._cells.set(id, known);
      cell.disposed.connect(() => known?.view.dispose());
    }
    const { approvals, turns } = this._options;
    known.view.write(turns.last(id));
    known.approvals.write(
      approvals.pending.filter(({ call }) => call.cell_id === id)
    );
  }

  private _create(cell: CodeCell): IDecorated {
    const { actions, isWritable, models, notebook, now } = this._options;
    const { tools, trans, words } = this._options;
    const nameOf = (ids: readonly string[]) =>
      new CellNames(notebook.model!.sharedModel, trans).phrase(ids);
    const approvals = new ApprovalList({
      trans,
      tools,
      now,
      waitsFor: actor => words.waitsFor(actor),
      nameOf,
      onReveal: actions.reveal,
      onDecide: decision => actions.decide(decision),
      onDecided: () => notebook.activate()
    });
    const view = new AICell({
      cell,
      approvals,
      models,
      rendermime: notebook.rendermime,
      words,
      trans,
      now,
      isWritable,
      loadLanguage: this._options.loadLanguage,
      codeMimeType: () => notebook.codeMimetype,
      notebookModel: () => runtMetadata(notebook.model!.sharedModel).model,
      shows: () => {
        const ids = this._options.chosen.of(cell.model.id);
        return ids && nameOf(ids);
      },
      onPick: () => actions.pick(cell.model.id),
      onModel: model => actions.chooseModel(cell.model, model),
      onSettings: actions.showSettings,
      onAction: (action, turn) => actions.perform(action, turn)
    });
    return { cell, view, approvals };
  }

  private _cells = new Map<string, IDecorated>();
  private _dirty = new Set<string>();
  private _waiting: readonly IWaitingCall[] = [];
  private _frame = 0;
  private _isDisposed = false;
}

/**
 * A namespace for AICells statics.
 */
export namespace AICells {
  /**
   * The options of the AI cells of a notebook.
   */
  export interface IOptions {
    notebook: Pick<
      Notebook,
      'activate' | 'codeMimetype' | 'model' | 'rendermime' | 'widgets'
    >;
    turns: TurnsModel;
    chosen: ChosenCells;
    approvals: Approvals;
    models: Models;
    actions: AIActions;
    words: TurnWords;
    tools: ToolWords;
    trans: TranslationBundle;

    /**
     * Load what an editor needs for a MIME type.
     */
    loadLanguage: (mimeType: string) => Promise<unknown>;

    /**
     * Return how late it is on the server.
     */
    now: () => number;

    /**
     * Return whether the person may edit the notebook.
     */
    isWritable: () => boolean;
  }
}

interface IDecorated {
  cell: CodeCell;
  view: AICell;
  approvals: ApprovalList;
}
