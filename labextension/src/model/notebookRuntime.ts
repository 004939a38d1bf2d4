import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import type { Command } from '../generated/commands';
import type {
  ICommandReply,
  IExecution,
  INotebookInfo,
  RuntClient
} from '../services/client';
import { RuntimeRoom } from '../services/runtimeRoom';
import { Completions } from './completions';
import { RuntimeModel } from './runtime';

/**
 * The server's side of one open notebook: its commands, executions and kernel.
 */
export class NotebookRuntime implements IDisposable {
  constructor(options: NotebookRuntime.IOptions) {
    this._options = options;
    this._room = new RuntimeRoom({
      serverSettings: options.client.serverSettings,
      locate: async () => (await this._locate()).runtime_room_id
    });
    this._room.documentChanged.connect((_, document) => {
      this.model.follow(document);
    }, this);
    this._completions = new Completions({
      model: this.model,
      room: this._room,
      read: (executionId, wait) => this._read(executionId, wait)
    });
  }

  /**
   * What runs, and on which kernel.
   */
  readonly model = new RuntimeModel();

  /**
   * The Yjs clients that only the server writes as, as far as they are known.
   */
  get serverClients(): ReadonlySet<number> {
    return this._serverClients;
  }

  /**
   * The server writes as more clients.
   */
  get serverClientsChanged(): ISignal<this, void> {
    return this._serverClientsChanged;
  }

  /**
   * Ask the server for a change.
   */
  async command(command: Command): Promise<ICommandReply> {
    const notebookId = this._notebookId ?? (await this._locate()).notebook_id;
    return this._options.client.command(notebookId, command);
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
   * Learn whether the server writes as these clients too.
   */
  async identify(clients: Iterable<number>): Promise<void> {
    const strangers = [...clients].filter(client => !this._asked.has(client));
    if (strangers.length === 0) {
      return;
    }
    strangers.forEach(client => this._asked.add(client));
    await this._locate();
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
    this._completions.dispose();
    this._room.dispose();
    this.model.unfollow();
    Signal.clearData(this);
  }

  private async _locate(): Promise<INotebookInfo> {
    const { client, path } = this._options;
    const info = await client.notebook(path());
    this._notebookId = info.notebook_id;
    const known = this._serverClients.size;
    info.server_clients.forEach(id => this._serverClients.add(id));
    if (this._serverClients.size > known) {
      this._serverClientsChanged.emit();
    }
    return info;
  }

  private async _read(executionId: string, wait: number): Promise<IExecution> {
    const notebookId = this._notebookId ?? (await this._locate()).notebook_id;
    return this._options.client.execution(notebookId, executionId, wait);
  }

  private _options: NotebookRuntime.IOptions;
  private _room: RuntimeRoom;
  private _completions: Completions;
  private _notebookId: string | null = null;
  private _serverClients = new Set<number>();
  private _asked = new Set<number>();
  private _serverClientsChanged = new Signal<this, void>(this);
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
  }
}
