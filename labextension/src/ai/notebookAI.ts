import { type ICellModel, MarkdownCell } from '@jupyterlab/cells';
import { type NotebookPanel, NotebookActions } from '@jupyterlab/notebook';
import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import type { ITranslator } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';
import type { User } from '@jupyterlab/services';

import { CellNames } from '../model/cellNames';
import { isAICell, typeOf } from '../model/cellType';
import { Durations } from '../model/durations';
import { Names } from '../model/names';
import { onArrival } from '../model/people';
import type { NotebookRuntime } from '../model/notebookRuntime';
import {
  type ITurn,
  readAllowed,
  readApprovals,
  readTurn
} from '../services/ai';
import { AIActions, type CellType } from './actions';
import { AICells } from './aiCells';
import { Approvals } from './approvals';
import { Choosing } from './choosing';
import { isHidden } from './contextEyes';
import { askForInstructions, showAllowed, showContext } from './dialogs';
import { FailureOffers, hasFailed, type Remedy } from './failureOffers';
import type { Models } from './models';
import { ToolWords } from './toolWords';
import { isPossible, type TurnAction } from './turnBar';
import { TurnWords } from './turnWords';

/**
 * The AI in one open notebook: its cells, what waits, and what people do with it.
 */
export class NotebookAI implements IDisposable {
  constructor(private _options: NotebookAI.IOptions) {
    const { attempt, models, panel, runtime, translator, user } = _options;
    const trans = translator.load('jupyter_runt');
    const me = () => user.identity?.username ?? null;
    const names = new Names(panel.context.model.sharedModel, me, trans);
    const durations = new Durations(translator.languageCode, trans);
    this.approvals = new Approvals({
      turns: runtime.turns,
      read: () => runtime.ask(readApprovals),
      onError: reason => attempt(Promise.reject(reason))
    });
    this.actions = new AIActions({
      notebook: panel.context.model,
      chosen: runtime.chosen,
      command: command => runtime.command(command),
      attempt,
      writePrompt: cellId => attempt(this._writePrompt(cellId)),
      reveal: cellId => this.go(cellId, 'command'),
      pick: cellId => this.choosing.togglePicking(cellId),
      showContext: turn => this._showContext(turn),
      showSettings: _options.showSettings
    });
    this._cells = new AICells({
      notebook: panel.content,
      turns: runtime.turns,
      chosen: runtime.chosen,
      approvals: this.approvals,
      models,
      actions: this.actions,
      words: new TurnWords({ durations, names, trans }),
      tools: new ToolWords(trans),
      trans,
      loadLanguage: mimeType =>
        Promise.resolve(_options.languages?.getLanguage(mimeType)),
      now: () => runtime.clock.now(),
      isWritable: () => this.isWritable
    });
    this.choosing = new Choosing({
      panel,
      chosen: runtime.chosen,
      trans,
      isWritable: () => this.isWritable,
      nameOf: ids =>
        new CellNames(panel.context.model.sharedModel, trans).phrase(ids),
      onVisible: (ids, visible) =>
        attempt(this.actions.setVisible(ids, visible))
    });
    this._offers = new FailureOffers({
      notebook: panel.content,
      trans,
      isWritable: () => this.isWritable,
      onAsk: (remedy, cellId) => attempt(this.remedy(remedy, cellId))
    });
    this.choosing.changed.connect(() => this._changed.emit(), this);
    runtime.infoChanged.connect(this._onInfo, this);
    this._wasWritable = this.isWritable;
    this._leave = onArrival(panel.context.model.sharedModel, () =>
      this._cells.refresh()
    );
  }

  /**
   * Whether the person may edit the notebook, as far as is known.
   */
  get isWritable(): boolean {
    return this._options.runtime.info?.writable === true;
  }

  /**
   * The person may do something, or may not any more.
   */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /**
   * What people do with it.
   */
  readonly actions: AIActions;

  /**
   * What the AI is shown.
   */
  readonly choosing: Choosing;

  /**
   * What waits for a decision.
   */
  readonly approvals: Approvals;

  /**
   * Where the notebook is shown.
   */
  get panel(): NotebookPanel {
    return this._options.panel;
  }

  /**
   * The last turn of the active cell, if that is an AI cell.
   */
  get currentTurn(): ITurn | undefined {
    const cell = this.panel.content.activeCell?.model;
    return cell && isAICell(cell.sharedModel)
      ? this._options.runtime.turns.last(cell.id)
      : undefined;
  }

  /**
   * The active cell, if it failed.
   */
  get failedCell(): string | null {
    const model = this.panel.content.activeCell?.model;
    return model && hasFailed(model) ? model.id : null;
  }

  /**
   * The active cell, if it is an AI cell.
   */
  get activeAsker(): string | null {
    const model = this.panel.content.activeCell?.model;
    return model && isAICell(model.sharedModel) ? model.id : null;
  }

  /**
   * Whether the AI is shown none of the selected cells.
   */
  get isHidden(): boolean {
    return this._selected.every(isHidden);
  }

  /**
   * Whether something can be done with the active cell's turn.
   */
  can(action: TurnAction): boolean {
    const turn = this.currentTurn;
    return (
      turn !== undefined &&
      isPossible(action, turn) &&
      (this.isWritable || action === 'shown')
    );
  }

  /**
   * Make the selected cells of another type.
   */
  async changeType(to: CellType): Promise<void> {
    const { content } = this.panel;
    const cells = this._selected.filter(model => typeOf(model) !== to);
    if (to === 'ai' || cells.some(({ sharedModel }) => isAICell(sharedModel))) {
      const active = content.activeCell!.model.id;
      const ids = cells.map(({ id }) => id);
      content.deselectAll();
      await this.actions.changeType(ids, to);
      const changed = ids.map(id =>
        this._arrival(id, model => typeOf(model) === to)
      );
      for (const index of await Promise.all(changed)) {
        const cell = content.widgets[index];
        if (cell instanceof MarkdownCell) {
          cell.rendered = false;
        }
      }
      await this.go(active, 'command');
    } else if (to !== 'sql') {
      NotebookActions.changeCellType(content, to);
    }
  }

  /**
   * Insert an AI cell below the active one, and go there.
   */
  async insertBelow(): Promise<void> {
    const below = this.panel.content.activeCell?.model.id ?? null;
    await this.go(await this.actions.insert('ai', below), 'edit');
  }

  /**
   * Go to a cell, which may still be on its way here.
   */
  async go(cellId: string, mode: 'edit' | 'command'): Promise<void> {
    const { content } = this.panel;
    const index = await this._arrival(cellId);
    content.activeCellIndex = index;
    content.deselectAll();
    await content.scrollToItem(index, 'smart');
    content.mode = mode;
    content.activate();
  }

  /**
   * Have the AI fix or explain what went wrong in a cell.
   */
  async remedy(remedy: Remedy, cellId: string): Promise<void> {
    const trans = this._options.translator.load('jupyter_runt');
    const prompt =
      remedy === 'fix'
        ? trans.__('Fix the error of the cell above.')
        : trans.__('Explain the error of the cell above.');
    await this.go(await this.actions.insertAndAsk(cellId, prompt), 'command');
  }

  /**
   * Show the selected cells to the AI, or hide them where it is shown all of them.
   */
  toggleVisible(): void {
    this.choosing.toggleVisible(this._selected);
  }

  /**
   * Let the person say what each model is told about this notebook.
   */
  async editInstructions(): Promise<void> {
    const trans = this._options.translator.load('jupyter_runt');
    const value = await askForInstructions(this.actions.instructions, trans);
    if (value !== null) {
      this.actions.instructions = value;
    }
  }

  /**
   * Show what the person always allows here, and let them take it back.
   */
  async showAllowed(): Promise<void> {
    const { runtime, translator } = this._options;
    const trans = translator.load('jupyter_runt');
    const allowed = await runtime.ask(readAllowed);
    await showAllowed(allowed, tool => this.actions.revoke(tool), trans);
  }

  /**
   * Let the person decide what has waited longest for that.
   */
  async goToApproval(): Promise<void> {
    const [{ call }] = this.approvals.mine;
    await this.go(call.cell_id, 'command');
    this._cells.focusApproval(call.cell_id);
  }

  /**
   * Whether the notebook was closed.
   */
  get isDisposed(): boolean {
    return this._cells.isDisposed;
  }

  /**
   * Leave the notebook.
   */
  dispose(): void {
    Signal.clearData(this);
    this._leave();
    this._cells.dispose();
    this.choosing.dispose();
    this._offers.dispose();
    this.approvals.dispose();
  }

  private _onInfo(): void {
    if (this.isWritable !== this._wasWritable) {
      this._wasWritable = this.isWritable;
      this._cells.refresh();
      this.choosing.refresh();
      this._offers.refresh();
      this._changed.emit();
    }
  }

  private get _selected(): ICellModel[] {
    const { content } = this.panel;
    return content.widgets
      .filter(cell => content.isSelectedOrActive(cell))
      .map(({ model }) => model);
  }

  /** Resolves to where the cell is, once it is as it should be. */
  private _arrival(
    cellId: string,
    isRight: (cell: ICellModel) => boolean = () => true
  ): Promise<number> {
    const { cells, contentChanged } = this.panel.context.model;
    const find = () =>
      [...cells].findIndex(cell => cell.id === cellId && isRight(cell));
    return new Promise(resolve => {
      const look = () => {
        const index = find();
        if (index >= 0) {
          contentChanged.disconnect(look);
          // The notebook has its widget once it has heard of it, too.
          queueMicrotask(() => resolve(index));
        }
      };
      contentChanged.connect(look);
      look();
    });
  }

  private async _writePrompt(cellId: string): Promise<void> {
    const { cells } = this.panel.context.model;
    const cell = [...cells].find(({ id }) => id === cellId);
    cell?.sharedModel.setSource('');
    await this.go(cellId, 'edit');
  }

  private async _showContext({ turn_id }: ITurn): Promise<void> {
    const { runtime, translator } = this._options;
    const trans = translator.load('jupyter_runt');
    const turn = await runtime.ask((client, id) =>
      readTurn(client, id, turn_id)
    );
    const { sharedModel } = this.panel.context.model;
    await showContext(turn, new CellNames(sharedModel, trans), trans);
  }

  private _cells: AICells;
  private _offers: FailureOffers;
  private _wasWritable: boolean;
  private _leave: () => void;
  private _changed = new Signal<this, void>(this);
}

/**
 * A namespace for NotebookAI statics.
 */
export namespace NotebookAI {
  /**
   * The options of the AI in a notebook.
   */
  export interface IOptions {
    panel: NotebookPanel;
    runtime: NotebookRuntime;
    models: Models;
    languages: Pick<IEditorLanguageRegistry, 'getLanguage'> | null;
    user: Pick<User.IManager, 'identity'>;
    translator: ITranslator;

    /**
     * Tell the person what went wrong, if anything does.
     */
    attempt: (what: Promise<unknown>) => void;

    /**
     * Show where keys are set.
     */
    showSettings: () => void;
  }
}
