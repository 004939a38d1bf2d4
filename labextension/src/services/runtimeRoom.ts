import { URLExt } from '@jupyterlab/coreutils';
import type { ServerConnection } from '@jupyterlab/services';
import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';

import { RuntError } from './client';

/** The runtime document starts anew, in another room. */
const MOVED = 4410;

/** How long to wait for a server that did not answer. */
const RETRY_MS = 2000;

/**
 * What the server says of a notebook while it changes, as presence.
 */
export interface IServerState {
  /** The number of the last event of the notebook's log. */
  seq: number;
  /** What the log holds of the document: a Yjs state vector in base64. */
  state_vector: string;
  /** How its file is. */
  save: ISave;
  /** The last version that was put aside because it could not be merged. */
  kept?: IKeptVersion | null;
}

/**
 * How a notebook's file is.
 */
export interface ISave {
  status: 'saved' | 'saving' | 'failed';
  /** When the file was last written. */
  at: string | null;
  error?: string | null;
}

/**
 * A version of a notebook that is in its history alone.
 */
export interface IKeptVersion {
  seq: number;
  reason: string;
  /** A sentence for people. */
  message: string;
  at: string;
}

/**
 * Follows a notebook's runtime document, which only the server writes.
 */
export class RuntimeRoom implements IDisposable {
  constructor(options: RuntimeRoom.IOptions) {
    this._options = options;
    void this._join();
  }

  /**
   * A document came in place of the last one.
   */
  get documentChanged(): ISignal<this, Y.Doc> {
    return this._documentChanged;
  }

  /**
   * The document covers, or covers no more, what the server has.
   */
  get syncedChanged(): ISignal<this, boolean> {
    return this._syncedChanged;
  }

  /**
   * Whether the document covers what the server has.
   */
  get synced(): boolean {
    return this._provider?.synced ?? false;
  }

  /**
   * What the server says of the notebook, once it does.
   */
  get serverState(): IServerState | null {
    return this._serverState;
  }

  /**
   * The server says something else of the notebook.
   */
  get serverStateChanged(): ISignal<this, IServerState> {
    return this._serverStateChanged;
  }

  /**
   * Whether the room was left for good.
   */
  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /**
   * Leave the room.
   */
  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    clearTimeout(this._retry);
    this._leave();
    Signal.clearData(this);
  }

  private async _join(): Promise<void> {
    const { locate, onError } = this._options;
    let roomId: string;
    try {
      roomId = await locate();
    } catch (reason) {
      if (this._isDisposed) {
        return;
      }
      if (reason instanceof RuntError && reason.code !== 'unknown') {
        onError(reason);
      } else {
        this._retry = setTimeout(() => void this._join(), RETRY_MS);
      }
      return;
    }
    if (!this._isDisposed) {
      this._enter(roomId);
    }
  }

  private _enter(roomId: string): void {
    this._leave();
    const { serverSettings } = this._options;
    const { appendToken, token, wsUrl, WebSocket } = serverSettings;
    const document = new Y.Doc();
    this._documentChanged.emit(document);
    this._provider = new WebsocketProvider(
      URLExt.join(wsUrl, 'api/collaboration/room'),
      roomId,
      document,
      {
        // Tabs of one browser may be of different people.
        disableBc: true,
        params: appendToken && token !== '' ? { token } : {},
        WebSocketPolyfill: WebSocket
      }
    );
    const provider = this._provider;
    provider.on('connection-close', event => {
      if (event?.code !== MOVED) {
        void this._lookElsewhere();
      }
    });
    provider.on('sync', synced => {
      this._isElsewhere = false;
      this._syncedChanged.emit(synced);
      this._readServerState(provider);
    });
    provider.awareness.on('change', () => this._readServerState(provider));
    this._provider.on('closed', ({ code }) => {
      if (code === MOVED) {
        void this._join();
      }
    });
  }

  /** Another server may have the notebook now, as ours tells who asks. */
  private async _lookElsewhere(): Promise<void> {
    if (this._isElsewhere) {
      return;
    }
    try {
      await this._options.locate();
    } catch (reason) {
      const held = reason instanceof RuntError && reason.code === 'lease_held';
      if (held && !this._isElsewhere && !this._isDisposed) {
        this._isElsewhere = true;
        this._options.onError(reason);
      }
    }
  }

  /** Anybody can say anything as presence, but only the server writes here. */
  private _readServerState({
    awareness,
    doc,
    synced
  }: WebsocketProvider): void {
    if (!synced) {
      return;
    }
    const writers = doc.store.clients;
    for (const [client, state] of awareness.getStates()) {
      if ('seq' in state && (writers.size === 0 || writers.has(client))) {
        this._serverState = state as IServerState;
        this._serverStateChanged.emit(this._serverState);
      }
    }
  }

  private _leave(): void {
    this._provider?.destroy();
    this._provider?.doc.destroy();
    this._provider = null;
  }

  private _options: RuntimeRoom.IOptions;
  private _provider: WebsocketProvider | null = null;
  private _retry: ReturnType<typeof setTimeout> | undefined;
  private _isDisposed = false;
  private _isElsewhere = false;
  private _documentChanged = new Signal<this, Y.Doc>(this);
  private _syncedChanged = new Signal<this, boolean>(this);
  private _serverState: IServerState | null = null;
  private _serverStateChanged = new Signal<this, IServerState>(this);
}

/**
 * A namespace for RuntimeRoom statics.
 */
export namespace RuntimeRoom {
  /**
   * The options of a room.
   */
  export interface IOptions {
    serverSettings: ServerConnection.ISettings;

    /**
     * Ask which room it is, now.
     */
    locate: () => Promise<string>;

    /**
     * Tell why the server refuses to say it.
     */
    onError: (reason: RuntError) => void;
  }
}
