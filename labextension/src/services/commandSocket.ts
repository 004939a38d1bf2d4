import { URLExt } from '@jupyterlab/coreutils';
import type { ServerConnection } from '@jupyterlab/services';
import type { IDisposable } from '@lumino/disposable';
import { PromiseDelegate } from '@lumino/coreutils';

import type { Command } from '../generated/commands';
import { type ICommandReply, RuntError } from './client';

/** How long a socket may be silent about a command. */
const PATIENCE_MS = 5000;

/** How often to try at most. */
const RETRY_MS = 10_000;

/**
 * Sends a page's commands over a socket, which costs a browser less than requests do.
 *
 * Where there is none, they are requests; and where a socket was lost, or says nothing for too long,
 * those without an answer are sent again as requests: the server performs none of them twice.
 */
export class CommandSocket implements IDisposable {
  constructor(options: CommandSocket.IOptions) {
    this._options = options;
  }

  /**
   * Open the socket of a notebook, if it is not open.
   */
  open(notebookId: string): void {
    const isNew = notebookId !== this._notebookId;
    const isWanted = this._socket === null && Date.now() >= this._retryAt;
    if (this._isDisposed || !(isNew || isWanted)) {
      return;
    }
    this._close();
    this._notebookId = notebookId;
    this._retryAt = Date.now() + RETRY_MS;
    const { appendToken, token, wsUrl, WebSocket } =
      this._options.serverSettings;
    const path = encodeURIComponent(notebookId);
    const url = URLExt.join(
      wsUrl,
      `api/runt/notebooks/${path}/commands/socket`
    );
    const query =
      appendToken && token !== '' ? `?token=${encodeURIComponent(token)}` : '';
    const socket = (this._socket = new WebSocket(url + query));
    socket.onmessage = ({ data }: MessageEvent<string>) => {
      this._onAnswer(JSON.parse(data) as IAnswer);
    };
    socket.onclose = () => {
      if (socket === this._socket) {
        this._close();
      }
    };
  }

  /**
   * Send a command.
   */
  send(command: Command): Promise<ICommandReply> {
    const { command_id: id } = command;
    if (id === undefined || id === null || this._socket?.readyState !== OPEN) {
      return this._options.post(command);
    }
    const reply = new PromiseDelegate<ICommandReply>();
    const impatient = setTimeout(() => this._close(), PATIENCE_MS);
    this._pending.set(id, { command, reply, impatient });
    this._socket.send(JSON.stringify(command));
    return reply.promise;
  }

  /**
   * Whether the notebook was left.
   */
  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /**
   * Close the socket. What has no answer yet is asked for as a request.
   */
  dispose(): void {
    this._isDisposed = true;
    this._close();
  }

  private _onAnswer({ command_id, status, body }: IAnswer): void {
    const pending = this._take(command_id);
    if (status < 400) {
      pending?.reply.resolve(body as ICommandReply);
    } else {
      const { code, message, detail } = body as RuntError;
      pending?.reply.reject(new RuntError(code, message, detail));
    }
  }

  private _take(id: string): IPending | undefined {
    const pending = this._pending.get(id);
    clearTimeout(pending?.impatient);
    this._pending.delete(id);
    return pending;
  }

  private _close(): void {
    const socket = this._socket;
    this._socket = null;
    socket?.close();
    for (const id of [...this._pending.keys()]) {
      const { command, reply } = this._take(id)!;
      reply.resolve(this._options.post(command));
    }
  }

  private _options: CommandSocket.IOptions;
  private _socket: WebSocket | null = null;
  private _notebookId = '';
  private _retryAt = 0;
  private _pending = new Map<string, IPending>();
  private _isDisposed = false;
}

/**
 * A namespace for CommandSocket statics.
 */
export namespace CommandSocket {
  /**
   * The options of a socket.
   */
  export interface IOptions {
    serverSettings: ServerConnection.ISettings;

    /**
     * Send a command as a request.
     */
    post: (command: Command) => Promise<ICommandReply>;
  }
}

/** `WebSocket.OPEN`. */
const OPEN = 1;

interface IPending {
  command: Command;
  reply: PromiseDelegate<ICommandReply>;
  impatient: ReturnType<typeof setTimeout>;
}

interface IAnswer {
  command_id: string;
  status: number;
  body: unknown;
}
