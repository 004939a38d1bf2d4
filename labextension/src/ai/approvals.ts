import { type ISignal, Signal } from '@lumino/signaling';
import type { IDisposable } from '@lumino/disposable';

import type { TurnsModel } from '../model/turns';
import type { IApproval, IWaitingCall } from '../services/ai';

/** When to ask again for what the server did not tell yet. */
const RETRY_MS = 250;

/** When to ask again where it did not answer. */
const AWAY_MS = 3000;

/**
 * A call that waits, with what the server tells those who may decide it.
 */
export interface IPending {
  call: IWaitingCall;
  /** Null where somebody else decides, or as long as it is not known. */
  approval: IApproval | null;
}

/**
 * Knows which calls of tools wait for a decision.
 *
 * That they do is in the runtime document, for everybody. What they would do, and the nonce that
 * a decision needs, comes by an authenticated request, to this person alone.
 */
export class Approvals implements IDisposable {
  constructor(private _options: Approvals.IOptions) {
    _options.turns.waitingChanged.connect(this._onWaiting, this);
    this._onWaiting();
  }

  /**
   * Other calls wait, or more is known of them.
   */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /**
   * The calls that wait, the oldest first.
   */
  get pending(): IPending[] {
    return this._options.turns.waiting.map(call => ({
      call,
      approval: this._known.get(call.call_id) ?? null
    }));
  }

  /**
   * The calls that this person is to decide.
   */
  get mine(): IPending[] {
    return this.pending.filter(({ approval }) => approval?.nonce);
  }

  /**
   * Whether nothing is followed any more.
   */
  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /**
   * Follow nothing any more.
   */
  dispose(): void {
    this._isDisposed = true;
    clearTimeout(this._retry);
    Signal.clearData(this);
  }

  private _onWaiting(): void {
    const waiting = new Set(
      this._options.turns.waiting.map(({ call_id }) => call_id)
    );
    for (const id of this._known.keys()) {
      if (!waiting.has(id)) {
        this._known.delete(id);
      }
    }
    this._changed.emit();
    void this._read();
  }

  private get _isIncomplete(): boolean {
    return this._options.turns.waiting.some(
      ({ call_id }) => !this._known.has(call_id)
    );
  }

  private async _read(): Promise<void> {
    clearTimeout(this._retry);
    if (!this._isIncomplete) {
      return;
    }
    try {
      const approvals = await this._options.read();
      if (this._isDisposed) {
        return;
      }
      this._known = new Map(approvals.map(one => [one.call_id, one]));
      this._changed.emit();
      if (this._isIncomplete) {
        // The document can be here a moment before the server answers for it.
        this._readLater(RETRY_MS);
      }
      this._failed = false;
    } catch (reason) {
      if (!this._failed && !this._isDisposed) {
        this._failed = true;
        this._options.onError(reason as Error);
      }
      this._readLater(AWAY_MS);
    }
  }

  private _readLater(delay: number): void {
    if (!this._isDisposed) {
      clearTimeout(this._retry);
      this._retry = setTimeout(() => void this._read(), delay);
    }
  }

  private _known = new Map<string, IApproval>();
  /** Whether the person was told that the server does not answer. */
  private _failed = false;
  private _retry: ReturnType<typeof setTimeout> | undefined;
  private _changed = new Signal<this, void>(this);
  private _isDisposed = false;
}

/**
 * A namespace for Approvals statics.
 */
export namespace Approvals {
  /**
   * The options of approvals.
   */
  export interface IOptions {
    turns: TurnsModel;

    /**
     * Asks the server what waits for this person.
     */
    read: () => Promise<IApproval[]>;

    /**
     * Tell that it did not answer.
     */
    onError: (reason: Error) => void;
  }
}
