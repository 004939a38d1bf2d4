import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import type { IVersion, IVersionPage } from '../services/history';
import { keyOf } from './days';

/** How many versions are asked for at once. */
const PAGE = 50;

/** How long the log may have grown before the newest versions are read again. */
const PAUSE_MS = 1500;

/** How much longer the pause is than reading took: a long history costs more. */
const PAUSES = 20;

/**
 * The versions of a notebook, as far as they were asked for.
 *
 * While somebody looks, the newest ones are read again as the log grows.
 */
export class HistoryModel implements IDisposable {
  constructor(options: HistoryModel.IOptions) {
    this._options = options;
    options.headChanged.connect(this._onHead, this);
  }

  /**
   * The versions, or what is known of them, are others.
   */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /**
   * The versions that were read, newest first.
   */
  get versions(): readonly IVersion[] {
    return this._versions;
  }

  /**
   * Whether there are earlier ones.
   */
  get hasEarlier(): boolean {
    return this._nextBefore !== null;
  }

  /**
   * Whether versions are being read, and which.
   */
  get reading(): 'newest' | 'earlier' | null {
    return this._reading;
  }

  /**
   * Why the last versions that were asked for did not come.
   */
  get error(): Error | null {
    return this._error;
  }

  /**
   * Whether the versions were read at least once.
   */
  get isReady(): boolean {
    return this._isReady;
  }

  /**
   * Whether somebody looks.
   */
  get watched(): boolean {
    return this._watched;
  }
  set watched(value: boolean) {
    this._watched = value;
    clearTimeout(this._timer);
    this._timer = undefined;
    if (value && (!this._isReady || this._isBehind())) {
      void this.refresh();
    }
  }

  /**
   * Read the newest versions again.
   */
  refresh(): Promise<void> {
    this._refreshing ??= this._refresh().finally(() => {
      this._refreshing = null;
    });
    return this._refreshing;
  }

  /**
   * Read the versions before those that are known.
   */
  async showEarlier(): Promise<void> {
    if (this._nextBefore === null) {
      return;
    }
    const page = await this._read('earlier', this._nextBefore);
    if (page !== null) {
      const known = new Set(this._versions.map(keyOf));
      const earlier = page.versions.filter(each => !known.has(keyOf(each)));
      this._versions = [...this._versions, ...earlier];
      this._nextBefore = page.next_before;
      this._done(this._isReady);
    }
  }

  /**
   * Whether it reads no more.
   */
  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /**
   * Read no more.
   */
  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    clearTimeout(this._timer);
    this._options.headChanged.disconnect(this._onHead, this);
    Signal.clearData(this);
  }

  private async _refresh(): Promise<void> {
    const head = this._options.head();
    const since = performance.now();
    const page = await this._read('newest', null);
    const took = performance.now() - since;
    this._pause = Math.max(PAUSE_MS, PAUSES * took);
    if (page !== null) {
      this._readHead = head;
      this._merge(page);
      this._done(true);
    }
  }

  /** Returns null where it failed, or where something else is being read. */
  private async _read(
    what: 'newest' | 'earlier',
    before: number | null
  ): Promise<IVersionPage | null> {
    if (this._reading !== null || this._isDisposed) {
      return null;
    }
    this._reading = what;
    this._changed.emit();
    try {
      return await this._options.load(before, PAGE);
    } catch (reason) {
      this._error = reason as Error;
      this._reading = null;
      this._changed.emit();
      return null;
    }
  }

  private _done(isReady: boolean): void {
    this._error = null;
    this._reading = null;
    this._isReady = isReady;
    if (!this._isDisposed) {
      this._changed.emit();
      this._onHead();
    }
  }

  /** Puts the newest versions before the older ones that are known. */
  private _merge({ versions, next_before }: IVersionPage): void {
    const lowest = versions[versions.length - 1]?.seq ?? 0;
    const fresh = new Set(versions.map(keyOf));
    const meets = this._versions.some(each => fresh.has(keyOf(each)));
    const older = this._versions.filter(
      each => each.seq < lowest && !fresh.has(keyOf(each))
    );
    if (!meets || older.length === 0) {
      this._versions = versions;
      this._nextBefore = next_before;
    } else {
      this._versions = [...versions, ...older];
    }
  }

  private _isBehind(): boolean {
    return this._options.head() !== this._readHead;
  }

  private _onHead(): void {
    if (this._watched && this._timer === undefined && this._isBehind()) {
      this._timer = setTimeout(() => {
        this._timer = undefined;
        void this.refresh();
      }, this._pause);
    }
  }

  private _options: HistoryModel.IOptions;
  private _versions: readonly IVersion[] = [];
  private _nextBefore: number | null = null;
  private _reading: 'newest' | 'earlier' | null = null;
  private _refreshing: Promise<void> | null = null;
  private _error: Error | null = null;
  private _isReady = false;
  private _watched = false;
  private _readHead: number | null = null;
  private _pause = PAUSE_MS;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _isDisposed = false;
  private _changed = new Signal<this, void>(this);
}

/**
 * A namespace for HistoryModel statics.
 */
export namespace HistoryModel {
  /**
   * The options of a history.
   */
  export interface IOptions {
    /**
     * Read some versions below `before`, or the newest ones.
     */
    load: (before: number | null, limit: number) => Promise<IVersionPage>;

    /**
     * The number of the last event that the log is known to have.
     */
    head: () => number | null;

    /**
     * The log grew.
     */
    headChanged: ISignal<unknown, unknown>;
  }
}
