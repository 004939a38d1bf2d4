import { Dialog, showDialog } from '@jupyterlab/apputils';
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
import { ContextView } from './contextView';
import type { Models } from './models';
import { ToolWords } from './toolWords';
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
      now: () => runtime.clock.now()
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
   * Make the selected cells of another type.
   */
  async changeType(to: CellType): Promise<void> {
    const { content } = this.panel;
    const cells = content.widgets
      .filter(cell => content.isSelectedOrActive(cell))
      .map(({ model }) => model)
      .filter(model => typeOf(model) !== to);
    if (to === 'ai' || cells.some(({ sharedModel }) => isAICell(sharedModel))) {
      content.deselectAll();
      await this.actions.changeType(cells, to);
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
    this.approvals.dispose();
  }

  /** Resolves to where the cell is. */
  private _arrival(cellId: string): Promise<number> {
    const { cells } = this.panel.context.model;
    const find = () => [...cells].findIndex(({ id }) => id === cellId);
    return new Promise(resolve => {
      const look = () => {
        const index = find();
        if (index >= 0) {
          cells.changed.disconnect(look);
          // The notebook has its widget once it has heard of it, too.
          queueMicrotask(() => resolve(index));
        }
      };
      cells.changed.connect(look);
      look();
    });
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
