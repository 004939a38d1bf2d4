import { Dialog, showDialog } from '@jupyterlab/apputils';
import { type ICellModel, MarkdownCell } from '@jupyterlab/cells';
import { type NotebookPanel, NotebookActions } from '@jupyterlab/notebook';
import type { ITranslator } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import type { User } from '@jupyterlab/services';

import { isAICell, typeOf } from '../model/cellType';
import { Durations } from '../model/durations';
import { Names } from '../model/names';
import type { NotebookRuntime } from '../model/notebookRuntime';
import { type ITurn, readApprovals, readTurn } from '../services/ai';
import { AIActions, type CellType } from './actions';
import { AICells } from './aiCells';
import { Approvals } from './approvals';
import { ChooserBar, type Choice } from './chooserBar';
import { ContextEyes, isHidden } from './contextEyes';
import { ContextView } from './contextView';
import { FailureOffers, hasFailed, type Remedy } from './failureOffers';
import { InstructionsForm } from './instructionsForm';
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
      command: command => runtime.command(command),
      attempt,
      writePrompt: cellId => attempt(this._writePrompt(cellId)),
      showContext: turn => this._showContext(turn),
      showSettings: _options.showSettings
    });
    this._cells = new AICells({
      notebook: panel.content,
      turns: runtime.turns,
      approvals: this.approvals,
      models,
      actions: this.actions,
      words: new TurnWords({ durations, names, trans }),
      tools: new ToolWords(trans),
      trans,
      now: () => runtime.clock.now(),
      isWritable: () => runtime.info?.writable !== false
    });
    this._eyes = new ContextEyes({
      notebook: panel.content,
      trans,
      onChoose: (ids, visible) => attempt(this.actions.setVisible(ids, visible))
    });
    this._offers = new FailureOffers({
      notebook: panel.content,
      model: runtime.model,
      trans,
      onAsk: (remedy, cellId) => attempt(this.remedy(remedy, cellId))
    });
  }

  /**
   * What people do with it.
   */
  readonly actions: AIActions;

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
    const id = this.panel.content.activeCell?.model.id ?? '';
    return hasFailed(this._options.runtime.model, id) ? id : null;
  }

  /**
   * Whether something can be done with the active cell's turn.
   */
  can(action: TurnAction): boolean {
    const turn = this.currentTurn;
    return turn !== undefined && isPossible(action, turn);
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
  async toggleVisible(): Promise<void> {
    const cells = this._selected;
    const hidden = cells.some(isHidden);
    await this.actions.setVisible(
      cells.filter(cell => isHidden(cell) === hidden).map(({ id }) => id),
      hidden
    );
  }

  /**
   * Let the person choose what the AI is shown, or be done with that.
   */
  toggleChoosing(): void {
    this._chooser?.dispose();
    this._chooser = null;
    this._eyes.isChoosing = !this._eyes.isChoosing;
    if (this._eyes.isChoosing) {
      const { attempt, panel, translator } = this._options;
      this._chooser = new ChooserBar(translator.load('jupyter_runt'), choice =>
        attempt(this._choose(choice))
      );
      panel.contentHeader.addWidget(this._chooser);
    }
  }

  /**
   * Let the person say what each model is told about this notebook.
   */
  async editInstructions(): Promise<void> {
    const trans = this._options.translator.load('jupyter_runt');
    const { button, value } = await showDialog({
      title: trans.__('Instructions for the AI'),
      body: new InstructionsForm(this.actions.instructions, trans),
      focusNodeSelector: 'textarea'
    });
    if (button.accept && value !== null) {
      this.actions.instructions = value;
    }
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
    this._cells.dispose();
    this._eyes.dispose();
    this._offers.dispose();
    this.approvals.dispose();
  }

  private get _selected(): ICellModel[] {
    const { content } = this.panel;
    return content.widgets
      .filter(cell => content.isSelectedOrActive(cell))
      .map(({ model }) => model);
  }

  private async _choose(choice: Choice): Promise<void> {
    if (choice === 'done') {
      return this.toggleChoosing();
    }
    const all = [...this.panel.context.model.cells];
    const selected = new Set(this._selected);
    const isSeen = (cell: ICellModel) =>
      choice === 'all' || (choice === 'selected' && selected.has(cell));
    const changed = all.filter(cell => isSeen(cell) === isHidden(cell));
    const ids = (seen: boolean) =>
      changed.filter(cell => isSeen(cell) === seen).map(({ id }) => id);
    await this.actions.setVisible(ids(true), true);
    await this.actions.setVisible(ids(false), false);
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
    await showDialog({
      title: trans.__('What the model saw'),
      body: new ContextView(turn, trans),
      buttons: [Dialog.okButton({ label: trans.__('Close') })]
    });
  }

  private _cells: AICells;
  private _eyes: ContextEyes;
  private _offers: FailureOffers;
  private _chooser: ChooserBar | null = null;
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
