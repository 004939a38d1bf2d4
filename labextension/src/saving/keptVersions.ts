import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import type { IKeptVersion, IServerState } from '../services/runtimeRoom';

/**
 * Tells of each version that the server put aside, once in a browser.
 */
export class KeptVersions implements IDisposable {
  constructor(options: KeptVersions.IOptions) {
    this._options = options;
    const { runtime } = options;
    runtime.serverStateChanged.connect(this._onState, this);
    if (runtime.serverState !== null) {
      this._onState(runtime, runtime.serverState);
    }
  }

  /**
   * Whether nothing is told any more.
   */
  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /**
   * Tell nothing any more.
   */
  dispose(): void {
    this._isDisposed = true;
    Signal.clearData(this);
  }

  private _onState(_: unknown, { kept }: IServerState): void {
    const { runtime, storage, tell } = this._options;
    const notebook = runtime.info?.notebook_id;
    if (!kept || notebook === undefined) {
      return;
    }
    const key = `jupyter-runt:told:${notebook}`;
    if (Number(storage.getItem(key) ?? 0) < kept.seq) {
      storage.setItem(key, String(kept.seq));
      tell(kept);
    }
  }

  private _options: KeptVersions.IOptions;
  private _isDisposed = false;
}

/**
 * A namespace for KeptVersions statics.
 */
export namespace KeptVersions {
  /**
   * The options of what tells of kept versions.
   */
  export interface IOptions {
    runtime: {
      readonly info: { notebook_id: string } | null;
      readonly serverState: IServerState | null;
      readonly serverStateChanged: ISignal<unknown, IServerState>;
    };

    /**
     * Where it is noted what was told.
     */
    storage: Pick<Storage, 'getItem' | 'setItem'>;

    /**
     * Tell the person.
     */
    tell: (kept: IKeptVersion) => void;
  }
}
