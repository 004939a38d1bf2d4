import { type ISignal, Signal } from '@lumino/signaling';

import type { IModels } from '../services/ai';

/**
 * Knows which models there are, for all AI cells.
 */
export class Models {
  /**
   * @param read - Asks the server.
   */
  constructor(private _read: () => Promise<IModels>) {}

  /**
   * There are other models, or other problems.
   */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /**
   * What there is, null before that is known.
   */
  get known(): IModels | null {
    return this._known;
  }

  /**
   * Whether no model can be asked, as far as is known.
   */
  get none(): boolean {
    return this._known !== null && this._known.models.length === 0;
  }

  /**
   * Ask once, however many want to know.
   */
  load(): void {
    this._loading ??= this.refresh();
  }

  /**
   * Ask again.
   */
  async refresh(): Promise<void> {
    try {
      this._known = await this._read();
      this._changed.emit();
    } catch {
      // The server is away; whoever needs a model next asks again.
      this._loading = null;
    }
  }

  private _known: IModels | null = null;
  private _loading: Promise<void> | null = null;
  private _changed = new Signal<this, void>(this);
}
