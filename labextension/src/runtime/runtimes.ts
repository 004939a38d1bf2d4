import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import { ServerClock } from '../model/serverClock';
import type { IRuntimeInfo, IRuntimeInfos } from '../services/client';
import type { IRuntimeState, RuntimeKind } from './state';

/** How often the server is asked, while somebody looks. */
const EVERY_MS = 5000;

const KINDS: Record<string, RuntimeKind> = {
  idle: 'idle',
  busy: 'running',
  starting: 'starting',
  restarting: 'restarting',
  unresponsive: 'unresponsive',
  lost: 'lost'
};

/**
 * The runtimes of all notebooks that are open on the server.
 */
export class Runtimes implements IDisposable {
  /**
   * @param read - Asks the server.
   */
  constructor(private _read: () => Promise<IRuntimeInfos>) {}

  /**
   * The runtimes, by where their notebooks are.
   */
  get all(): readonly IRuntimeInfo[] {
    return this._all;
  }

  /**
   * Why they are not known, if they are not.
   */
  get error(): Error | null {
    return this._error;
  }

  /**
   * They were read again.
   */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /**
   * How late it is on the server.
   */
  readonly clock = new ServerClock();

  /**
   * Read them now, and again and again.
   */
  watch(): void {
    this._timer ??= setInterval(() => void this.refresh(), EVERY_MS);
    void this.refresh();
  }

  /**
   * Read them no more.
   */
  unwatch(): void {
    clearInterval(this._timer);
    this._timer = undefined;
  }

  /**
   * Read them now.
   */
  async refresh(): Promise<void> {
    if (document.hidden) {
      return;
    }
    try {
      const { now, runtimes } = await this._read();
      this.clock.set(now);
      this._all = runtimes.sort((a, b) => a.path.localeCompare(b.path));
      this._error = null;
    } catch (reason) {
      this._error = reason as Error;
    }
    if (!this._isDisposed) {
      this._changed.emit();
    }
  }

  /**
   * Whether they are not read any more.
   */
  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /**
   * Read them no more, for good.
   */
  dispose(): void {
    this._isDisposed = true;
    this.unwatch();
    Signal.clearData(this);
  }

  private _all: IRuntimeInfo[] = [];
  private _error: Error | null = null;
  private _timer: ReturnType<typeof setInterval> | undefined;
  private _isDisposed = false;
  private _changed = new Signal<this, void>(this);
}

/**
 * Say what the kernel of another notebook does.
 */
export function stateOfInfo(info: IRuntimeInfo): IRuntimeState {
  const kind = KINDS[info.kernel.state] ?? 'idle';
  const runs = kind === 'running' ? 1 : 0;
  return {
    kind,
    since: info.kernel.since ?? info.since,
    reason: info.reason ?? null,
    kernelName: info.kernel_name,
    owner: info.owner,
    host: info.host,
    isElsewhere: false,
    previousEnd: null,
    isFresh: false,
    waiting: Math.max(0, info.queue_length - runs),
    progress: null
  };
}
