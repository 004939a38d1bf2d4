import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';
import * as Y from 'yjs';

import type { ISave, IServerState } from '../services/runtimeRoom';
import { DocumentConnection, KEPT } from './connection';
import {
  type Clocks,
  type IEdit,
  PendingEdits,
  integrates,
  readVector
} from './edits';
import type { EditKeep, IKeptRecord } from './keep';
import { PATIENCE_MS, type SavingState, stateOf } from './state';
import { TouchedCells } from './touched';

/** How long an edit may wait to be kept in this browser, in milliseconds. */
const KEEP_MS = 50;

/** How long a deletion may wait for others, before the server is asked. */
const PROBE_MS = 300;

/** From so many kept pieces on they become one. */
const PIECES = 32;

/** How much of a notebook is kept in this browser, in bytes. */
const LIMIT_BYTES = 32 * 2 ** 20;

/**
 * Follows the edits that a tab makes in a notebook until the server has them.
 *
 * A state vector of what the server's log holds acknowledges what was inserted.
 * No state vector tells of deletions: for those the server's log is asked.
 * Until then edits are kept in this browser. What was kept of this history by
 * a tab that is gone comes back when the notebook is in step with its room.
 */
export class NotebookSaving implements IDisposable {
  constructor(options: NotebookSaving.IOptions) {
    this._options = options;
    const { document, runtime } = options;
    this._connection = new DocumentConnection(document);
    this._touched = new TouchedCells(document);
    this._connection.edited.connect(this._onEdited, this);
    this._connection.changed.connect(this._onConnection, this);
    this._connection.refused.connect(this._onRefused, this);
    runtime.serverStateChanged.connect(this._onServerState, this);
    if (runtime.serverState !== null) {
      this._onServerState(runtime, runtime.serverState);
    }
    void options.keep.then(keep => {
      this._keep = keep;
      void this.flush();
      this._onConnection();
    });
  }

  /**
   * How safe the edits are.
   */
  get state(): SavingState {
    return stateOf({
      known: this._isKnown,
      writable: this._options.writable(),
      synced: this._connection.synced,
      refused: this._isRefused,
      changes: this._pending.count,
      kept: this.isKept,
      waiting: this._waiting(),
      save: this._save
    });
  }

  /**
   * Edits are safer, or less safe.
   */
  get stateChanged(): ISignal<this, SavingState> {
    return this._stateChanged;
  }

  /**
   * Whether closing the tab loses nothing.
   */
  get isKept(): boolean {
    return (
      this._pending.count === 0 ||
      (this._keep !== null &&
        !this._failed &&
        this._pending.bytes <= LIMIT_BYTES)
    );
  }

  /**
   * Keep in this browser what the server has not acknowledged, now.
   */
  async flush(): Promise<void> {
    clearTimeout(this._keepTimer);
    this._keepTimer = undefined;
    const { identity } = this._connection;
    const fresh = this._pending.all.filter(({ id }) => id === undefined);
    if (identity === null || fresh.length === 0 || !this.isKept) {
      return;
    }
    const pieces = this._pending.all.length - fresh.length;
    const kept = pieces < PIECES ? [] : this._pending.all;
    const edits = kept.length > 0 ? kept : fresh;
    const instead = edits.flatMap(({ id }) => id ?? []);
    Object.assign(this._texts, this._touched.take());
    const edit = this._pending.merge(edits);
    try {
      edit.id = await this._keep!.put(
        {
          ...identity,
          place: this._options.place(),
          at: edit.at,
          count: edit.count,
          update: edit.update,
          texts: { ...this._texts }
        },
        instead
      );
    } catch (reason) {
      this._failed = true;
      console.warn('Edits cannot be kept in this browser.', reason);
      this._emit();
      return;
    }
    if (!this._pending.all.includes(edit)) {
      this._forget([edit]);
    }
  }

  /**
   * Whether the notebook was closed.
   */
  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /**
   * Follow the notebook no more; what the server lacks stays in this browser.
   */
  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    void this.flush();
    this._isDisposed = true;
    clearTimeout(this._probeTimer);
    clearTimeout(this._stateTimer);
    this._touched.dispose();
    this._connection.dispose();
    Signal.clearData(this);
  }

  /** A copy of the past is nobody's. */
  private get _isKnown(): boolean {
    const { identity, isPast } = this._connection;
    return identity !== null && !isPast;
  }

  private _onEdited(_: unknown, update: Uint8Array): void {
    if (!this._options.writable()) {
      return;
    }
    this._pending.add(update, Date.now());
    this._keepTimer ??= setTimeout(() => void this.flush(), KEEP_MS);
    this._askLater();
    this._emit();
  }

  private _onServerState(_: unknown, state: IServerState): void {
    this._save = state.save;
    this._held = readVector(state.state_vector);
    this._confirm();
  }

  private _confirm(): void {
    this._forget(this._pending.confirm(this._held));
    this._emit();
  }

  private _onConnection(): void {
    if (this._connection.synced) {
      this._syncedAt ??= Date.now();
      this._isRefused = false;
      void this._restore();
      this._askLater();
    } else {
      this._syncedAt = null;
      this._asking = false;
    }
    this._emit();
  }

  /** The stock provider asks again and again meanwhile. */
  private _onRefused(_: unknown, isInHistory: boolean): void {
    if (this._isRefused) {
      return;
    }
    this._isRefused = true;
    this._emit();
    const [first] = this._pending.all;
    void this.flush();
    if (first !== undefined && !isInHistory) {
      const texts = { ...this._texts, ...this._touched.take() };
      this._options.onStranded([{ at: first.at, texts }]);
    }
  }

  /** Bring back, once, what a tab that is gone could not send. */
  private async _restore(): Promise<void> {
    const { identity } = this._connection;
    if (this._restored || this._keep === null || identity === null) {
      return;
    }
    this._restored = true;
    const { document, place, writable, onStranded } = this._options;
    const { room, history } = identity;
    const [own, all] = await Promise.all([
      this._keep.ofDocument(room, history),
      this._keep.ofPlace(place())
    ]);
    if (this._isDisposed || !writable()) {
      return;
    }
    const ids = new Set(this._pending.all.map(({ id }) => id));
    const stranded = all.filter(record => record.history !== history);
    const kept = own.filter(({ id }) => !ids.has(id));
    if (kept.length > 0) {
      const update = Y.mergeUpdates(kept.map(record => record.update));
      if (integrates(document, update)) {
        for (const record of kept) {
          Object.assign(this._texts, record.texts);
          this._pending.add(record.update, record.at, record);
        }
        Y.applyUpdate(document, update, KEPT);
        this._askLater();
        this._confirm();
      } else {
        stranded.push(...kept);
      }
    }
    if (stranded.length > 0) {
      onStranded(stranded);
    }
  }

  /** Ask the server's log for deletions, for many at once. */
  private _askLater(): void {
    if (!this._asking && this._pending.deletes && this._connection.synced) {
      this._asking = true;
      this._probeTimer = setTimeout(() => this._ask(), PROBE_MS);
    }
  }

  private _ask(): void {
    const { last } = this._pending;
    const asked = this._syncedAt;
    this._connection.probe(() => {
      if (asked === this._syncedAt && !this._isDisposed) {
        this._asking = false;
        this._forget(this._pending.settle(last));
        this._askLater();
        this._emit();
      }
    });
  }

  private _forget(edits: readonly IEdit[]): void {
    const ids = edits.flatMap(({ id }) => id ?? []);
    if (ids.length > 0) {
      this._keep?.forget(ids).catch((reason: unknown) => {
        // They come back once more, which does no harm.
        console.warn('Edits that are saved stay in this browser.', reason);
      });
    }
    if (this._pending.count === 0) {
      this._texts = {};
    }
  }

  private _waiting(): number {
    const [first] = this._pending.all;
    if (first === undefined || this._syncedAt === null) {
      return 0;
    }
    return Date.now() - Math.max(first.at, this._syncedAt);
  }

  private _emit(): void {
    clearTimeout(this._stateTimer);
    if (this._isDisposed) {
      return;
    }
    const { state } = this;
    if (state.kind === 'saving' && this._pending.count > 0) {
      const rest = PATIENCE_MS - this._waiting();
      this._stateTimer = setTimeout(() => this._emit(), rest);
    }
    this._stateChanged.emit(state);
  }

  private _options: NotebookSaving.IOptions;
  private _connection: DocumentConnection;
  private _touched: TouchedCells;
  private _pending = new PendingEdits();
  /** How the cells read whose edits are pending. */
  private _texts: Record<string, string> = {};
  private _keep: EditKeep | null = null;
  private _failed = false;
  private _restored = false;
  private _isRefused = false;
  private _save: ISave | null = null;
  /** What the server's log is known to hold. */
  private _held: Clocks = new Map();
  private _syncedAt: number | null = null;
  private _asking = false;
  private _keepTimer: ReturnType<typeof setTimeout> | undefined;
  private _probeTimer: ReturnType<typeof setTimeout> | undefined;
  private _stateTimer: ReturnType<typeof setTimeout> | undefined;
  private _isDisposed = false;
  private _stateChanged = new Signal<this, SavingState>(this);
}

/**
 * Edits that fit no document any more: for how many there are, their text.
 */
export type StrandedEdits = Pick<IKeptRecord, 'at' | 'texts'> &
  Partial<Pick<IKeptRecord, 'id'>>;

/**
 * A namespace for NotebookSaving statics.
 */
export namespace NotebookSaving {
  /**
   * The options of a notebook's saving.
   */
  export interface IOptions {
    document: Y.Doc;
    runtime: {
      readonly serverState: IServerState | null;
      readonly serverStateChanged: ISignal<unknown, IServerState>;
    };
    /** What this browser keeps, if it keeps anything. */
    keep: Promise<EditKeep | null>;
    /** The server's address and the notebook's path, as they are now. */
    place: () => string;
    /** Whether this person may edit the notebook. */
    writable: () => boolean;
    /** Tell the person of edits that will not come into this notebook. */
    onStranded: (edits: StrandedEdits[]) => void;
  }
}
