import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import type { Command } from '../generated/commands';
import type {
  ICommandReply,
  IExecution,
  INotebookInfo,
  RuntClient,
  RuntError
} from '../services/client';
import { CommandSocket } from '../services/commandSocket';
import { type IServerState, RuntimeRoom } from '../services/runtimeRoom';
import { ChosenCells } from './chosenCells';
import { Completions } from './completions';
import { RuntimeModel } from './runtime';
import { ServerClock } from './serverClock';
import { TurnsModel } from './turns';

/**
 * The server's side of one open notebook: its commands, executions and kernel.
 */
export class NotebookRuntime implements IDisposable {
  constructor(options: NotebookRuntime.IOptions) {
    this._options = options;
    this._room = new RuntimeRoom({
      serverSettings: options.client.serverSettings,
      locate: async () => (await this._locate()).runtime_room_id,
      onError: options.onError
    });
    this._room.documentChanged.connect((_, document) => {
      this.model.follow(document);
      this.turns.follow(document);
    }, this);
    this._room.serverStateChanged.connect((_, state) => {
      this._serverStateChanged.emit(state);
    }, this);
    this._room.syncedChanged.connect((_, synced) => {
      this._connectedChanged.emit(synced);
    }, this);
    this.model.executionsChanged.connect(this._onExecutions, this);
    this._commands = new CommandSocket({
      serverSettings: options.client.serverSettings,
      post: command => this.ask((client, id) => client.command(id, command))
    });
    this._completions = new Completions({
      model: this.model,
      room: this._room,
      read: (executionId, wait) =>
        this.ask((client, id) => client.execution(id, executionId, wait))
    });
  }

  /**
   * What runs, and on which kernel.
   */
  readonly model = new RuntimeModel();

  /**
   * What AI cells were asked, and what waits for a decision.
   */
  readonly turns = new TurnsModel();

  /**
   * Which cells the questions of AI cells show.
   */
  readonly chosen = new ChosenCells();

  /**
   * How late it is on the server.
   */
  readonly clock = new ServerClock();

  /**
   * Whether what is known of executions and kernel is what the server knows.
   */
  get connected(): boolean {
    return this._room.synced;
  }

  /**
   * The connection to the server went, or came back.
   */
  get connectedChanged(): ISignal<this, boolean> {
    return this._connectedChanged;
  }

  /**
   * What the server said of the notebook last.
   */
  get info(): INotebookInfo | null {
    return this._info;
  }

  /**
   * The server said something else of the notebook.
   */
  get infoChanged(): ISignal<this, INotebookInfo> {
    return this._infoChanged;
  }

  /**
   * What the server says of the notebook while it changes, once it does.
   */
  get serverState(): IServerState | null {
    return this._room.serverState;
  }

  /**
   * The server says something else of the notebook.
   */
  get serverStateChanged(): ISignal<this, IServerState> {
    return this._serverStateChanged;
  }

  /**
   * Ask the server for a change.
   */
  command(command: Command): Promise<ICommandReply> {
    if (this._info !== null) {
      this._commands.open(this._info.notebook_id);
    }
    return this._commands.send(command);
  }

  /**
   * Ask the server something about the notebook.
   */
  async ask<T>(
    question: (client: RuntClient, notebookId: string) => Promise<T>
  ): Promise<T> {
    const { notebook_id } = this._info ?? (await this._locate());
    return question(this._options.client, notebook_id);
  }

  /**
   * Wait for the end of an execution that this tab asked for.
   */
  completion(executionId: string): Promise<IExecution> {
    return this._completions.wait(executionId);
  }

  /**
   * Whether this tab asked for an execution and waits for its end.
   */
  awaits(executionId: string): boolean {
    return this._completions.has(executionId);
  }

  /**
   * This tab learnt the id of an execution that it asked for.
   */
  get awaited(): ISignal<unknown, string> {
    return this._completions.added;
  }

  /**
   * Whether the notebook was closed.
   */
  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /**
   * Leave the notebook.
   */
  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._commands.dispose();
    this._completions.dispose();
    this._room.dispose();
    this.model.unfollow();
    this.turns.unfollow();
    Signal.clearData(this);
  }

  /** Ask for the notebook, with all others who want to know at this moment. */
  private _locate(): Promise<INotebookInfo> {
    this._locating ??= this._located().finally(() => (this._locating = null));
    return this._locating;
  }

  private async _located(): Promise<INotebookInfo> {
    const { client, path } = this._options;
    this._info = await client.notebook(path());
    this.clock.set(this._info.now);
    this._commands.open(this._info.notebook_id);
    this._infoChanged.emit(this._info);
    return this._info;
  }

  private _onExecutions(model: RuntimeModel, ids: ReadonlySet<string>): void {
    let last = '';
    for (const id of ids) {
      const { completed_at, started_at, requested_at } =
        model.executions.get(id) ?? {};
      const at = completed_at ?? started_at ?? requested_at ?? '';
      last = at > last ? at : last;
    }
    if (last !== '') {
      this.clock.passed(last);
    }
  }

  private _options: NotebookRuntime.IOptions;
  private _room: RuntimeRoom;
  private _commands: CommandSocket;
  private _completions: Completions;
  private _info: INotebookInfo | null = null;
  private _locating: Promise<INotebookInfo> | null = null;
  private _infoChanged = new Signal<this, INotebookInfo>(this);
  private _serverStateChanged = new Signal<this, IServerState>(this);
  private _connectedChanged = new Signal<this, boolean>(this);
  private _isDisposed = false;
}

/**
 * A namespace for NotebookRuntime statics.
 */
export namespace NotebookRuntime {
  /**
   * The options of a notebook's runtime.
   */
  export interface IOptions {
    client: RuntClient;

    /**
     * The notebook's path, as it is now.
     */
    path: () => string;

    /**
     * Tell why the server does not know the notebook.
     */
    onError: (reason: RuntError) => void;
  }
}
