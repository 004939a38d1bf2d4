import type { ISharedNotebook } from '@jupyter/ydoc';
import type { ICellModel } from '@jupyterlab/cells';
import type { INotebookModel } from '@jupyterlab/notebook';
import { type PartialJSONObject, UUID } from '@lumino/coreutils';

import type { Command, CreateCell } from '../generated/commands';
import { type IRuntMetadata, runtMetadata } from '../model/cellType';
import type { ChosenCells } from '../model/chosenCells';
import { encodeStateVector } from '../model/stateVector';
import type { ICommandReply } from '../services/client';
import type { ITurn } from '../services/ai';
import type { IDecision } from './approvalCard';
import type { TurnAction } from './turnBar';

/**
 * The type of a cell, as people choose it.
 */
export type CellType = CreateCell['cell_type'];

/**
 * What a person does with the AI in a notebook.
 *
 * Each method rejects where the server refuses; `attempt` tells the person.
 */
export class AIActions {
  constructor(private _options: AIActions.IOptions) {}

  /**
   * Have the AI answer what a cell says.
   */
  ask(cellId: string): Promise<ICommandReply> {
    const cells = this._options.chosen.of(cellId);
    return this._command({ type: 'ask', cell_id: cellId, cells });
  }

  /**
   * Insert a cell, which may have a text.
   *
   * @returns its id.
   */
  async insert(
    cell_type: CellType,
    after: string | null,
    source = ''
  ): Promise<string> {
    const { events } = await this._command({
      type: 'create_cell',
      cell_type,
      source,
      after
    });
    for (const event of events) {
      if (event.name === 'v1.DocumentUpdated') {
        const made = event.payload.changes?.find(
          change => change.type === 'cell_created'
        );
        if (made !== undefined && 'cell_id' in made && made.cell_id) {
          return made.cell_id;
        }
      }
    }
    throw new Error('The server made no cell.');
  }

  /**
   * Insert an AI cell below another one, and ask it at once.
   *
   * @returns its id.
   */
  async insertAndAsk(after: string, source: string): Promise<string> {
    const cellId = await this.insert('ai', after, source);
    await this.ask(cellId);
    return cellId;
  }

  /**
   * Make cells of another type.
   */
  async changeType(cellIds: readonly string[], to: CellType): Promise<void> {
    for (const id of cellIds) {
      await this._command({
        type: 'set_cell_type',
        cell_id: id,
        cell_type: to
      });
    }
  }

  /**
   * Show cells to the AI, or hide them from it.
   */
  async setVisible(cell_ids: string[], visible: boolean): Promise<void> {
    if (cell_ids.length > 0) {
      await this._command({
        type: 'set_context_visibility',
        cell_ids,
        visible
      });
    }
  }

  /**
   * Let a cell ask a model, and those that come after it in this notebook.
   *
   * @param model - Empty for the one that the server chooses.
   */
  chooseModel = (cell: ICellModel, model: string): void => {
    setMetadata(cell.sharedModel, { model });
    setMetadata(this._options.notebook.sharedModel, { model });
  };

  /**
   * What the notebook tells each model.
   */
  get instructions(): string {
    const { sharedModel } = this._options.notebook;
    return runtMetadata(sharedModel).instructions ?? '';
  }
  set instructions(instructions: string) {
    setMetadata(this._options.notebook.sharedModel, { instructions });
  }

  /**
   * Tell the server what a person decided.
   */
  decide({ approval, decision, words }: IDecision): Promise<ICommandReply> {
    return this._command({
      type: 'decide_approval',
      call_id: approval.call_id,
      decision,
      arguments_hash: approval.arguments_hash,
      nonce: approval.nonce!,
      [decision === 'deny' ? 'reason' : 'answer']: words || null
    });
  }

  /**
   * Be asked about a tool again.
   */
  revoke(tool: string): Promise<ICommandReply> {
    return this._command({ type: 'revoke_approvals', tools: [tool] });
  }

  /**
   * Do something with a turn.
   */
  perform = (action: TurnAction, turn: ITurn): void => {
    const { attempt, showContext } = this._options;
    switch (action) {
      case 'stop':
        return attempt(
          this._command({ type: 'cancel_turn', turn_id: turn.turn_id })
        );
      case 'follow':
        return this._options.writePrompt(turn.cell_id);
      case 'again':
        return attempt(this.ask(turn.cell_id));
      case 'undo':
        return attempt(
          this._command({ type: 'undo_turn', turn_id: turn.turn_id })
        );
      case 'shown':
        return attempt(showContext(turn));
      case 'keys':
        return this.showSettings();
    }
  };

  /**
   * Show a cell to the person.
   */
  reveal = (cellId: string): void =>
    this._options.attempt(this._options.reveal(cellId));

  /**
   * Let the person choose which cells the questions of an AI cell show.
   */
  pick = (cellId: string): void => this._options.pick(cellId);

  /**
   * Show where keys are set.
   */
  showSettings = (): void => this._options.showSettings();

  private _command(command: Command): Promise<ICommandReply> {
    return this._options.command({
      ...command,
      command_id: UUID.uuid4(),
      // What was on the screen when the person asked for it.
      state_vector: encodeStateVector(this._options.notebook.sharedModel)
    });
  }
}

/** Changes what metadata says for us; what is empty goes. */
function setMetadata(
  holder: Pick<
    ISharedNotebook,
    'deleteMetadata' | 'getMetadata' | 'setMetadata'
  >,
  values: Pick<IRuntMetadata, 'instructions' | 'model'>
): void {
  const runt = Object.fromEntries(
    Object.entries({ ...runtMetadata(holder), ...values }).filter(
      ([, value]) => value !== ''
    )
  );
  if (Object.keys(runt).length === 0) {
    holder.deleteMetadata('runt');
  } else {
    holder.setMetadata('runt', runt as PartialJSONObject);
  }
}

/**
 * A namespace for AIActions statics.
 */
export namespace AIActions {
  /**
   * The options of the actions in a notebook.
   */
  export interface IOptions {
    notebook: Pick<INotebookModel, 'sharedModel'>;
    chosen: Pick<ChosenCells, 'of'>;

    /**
     * Ask the server for a change.
     */
    command: (command: Command) => Promise<ICommandReply>;

    /**
     * Tell the person what went wrong, if anything does.
     */
    attempt: (what: Promise<unknown>) => void;

    /**
     * Let the person write another prompt into a cell.
     */
    writePrompt: (cellId: string) => void;

    /**
     * Show a cell.
     */
    reveal: (cellId: string) => Promise<void>;

    /**
     * Let the person choose which cells a question shows.
     */
    pick: (cellId: string) => void;

    /**
     * Show what the model was given.
     */
    showContext: (turn: ITurn) => Promise<void>;

    /**
     * Show where keys are set.
     */
    showSettings: () => void;
  }
}
