import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';
import * as Y from 'yjs';

import { keepPresence } from '../services/presence';
import {
  type IProvider,
  historyOf,
  isDocument,
  isProvider,
  isStep2,
  step1Frame
} from '../services/provider';

/** Marks what was kept in this browser and comes back into the document. */
export const KEPT = Symbol('kept');

/** The room is of another history than the tab. */
const OTHER_HISTORY = 1003;

/** There is no such room. */
const NO_ROOM = 4404;

/**
 * Which document it is, and which history of it.
 */
export interface IIdentity {
  room: string;
  history: string;
}

/**
 * Watches how a shared document is connected to its room.
 */
export class DocumentConnection implements IDisposable {
  constructor(document: Y.Doc) {
    this._document = document;
    document.on('update', this._onUpdate);
  }

  /**
   * An update was made in this tab.
   */
  get edited(): ISignal<this, Uint8Array> {
    return this._edited;
  }

  /**
   * The document is, or is no more, in step with its room.
   */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /**
   * The room is not this document's any more: they will not merge.
   *
   * The argument is whether what the document holds is in the history there.
   */
  get refused(): ISignal<this, boolean> {
    return this._refused;
  }

  /**
   * Which document it is, once its room has answered.
   */
  get identity(): IIdentity | null {
    return this._identity;
  }

  /**
   * Whether a copy of the past is shown.
   */
  get isPast(): boolean {
    return this._provider !== null && !isDocument(this._provider);
  }

  /**
   * Whether the document is in step with its room.
   */
  get synced(): boolean {
    return this._provider !== null && !this.isPast && this._provider.synced;
  }

  /**
   * Ask for the room's log: it answers when it has all that was sent before.
   *
   * Nothing is called where the connection is lost first.
   */
  probe(answered: () => void): void {
    const socket = this._provider?.ws;
    if (!this.synced || socket?.readyState !== WebSocket.OPEN) {
      return;
    }
    const onMessage = ({ data }: MessageEvent) => {
      if (isStep2(data)) {
        socket.removeEventListener('message', onMessage);
        answered();
      }
    };
    socket.addEventListener('message', onMessage);
    socket.send(step1Frame(Y.encodeStateVector(this._document)));
  }

  /**
   * Whether the document is watched no more.
   */
  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /**
   * Stop watching.
   */
  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._document.off('update', this._onUpdate);
    this._leave();
    Signal.clearData(this);
  }

  private _onUpdate = (update: Uint8Array, origin: unknown) => {
    if (isProvider(origin)) {
      if (origin !== this._provider) {
        this._enter(origin);
      }
    } else if (origin !== KEPT && !this.isPast) {
      this._edited.emit(update);
    }
  };

  private _enter(provider: IProvider): void {
    this._leave();
    this._provider = provider;
    if (isDocument(provider)) {
      this._identity = {
        room: provider.roomname,
        history: historyOf(provider)
      };
    }
    this._endPresence = keepPresence(provider);
    provider.on('sync', this._onChange);
    provider.on('connection-close', this._onClose);
    // Most often it is just about to be in step for the first time.
    if (provider.synced || this.isPast) {
      this._changed.emit();
    }
  }

  private _leave(): void {
    this._endPresence?.();
    this._provider?.off('sync', this._onChange);
    this._provider?.off('connection-close', this._onClose);
    this._provider = null;
  }

  private _onChange = () => {
    this._changed.emit();
  };

  private _onClose = (event: CloseEvent | null) => {
    if (event?.code === OTHER_HISTORY) {
      // It would only be told the same, a dialog each time.
      this._provider?.disconnect();
      this._refused.emit(isKept(event.reason));
    } else if (event?.code === NO_ROOM) {
      this._refused.emit(false);
    }
  };

  private _document: Y.Doc;
  private _provider: IProvider | null = null;
  private _endPresence: (() => void) | null = null;
  private _identity: IIdentity | null = null;
  private _isDisposed = false;
  private _edited = new Signal<this, Uint8Array>(this);
  private _changed = new Signal<this, void>(this);
  private _refused = new Signal<this, boolean>(this);
}

/** Reads the reason that the server closes a room with. */
function isKept(reason: string): boolean {
  try {
    return (JSON.parse(reason) as { kept?: boolean }).kept === true;
  } catch {
    return false; // something between us and the server closed it
  }
}
