import type { TranslationBundle } from '@jupyterlab/translation';
import { type ISignal, Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';

import type { NotebookSaving } from './saving';
import { CalmState, type SavingState, isNews } from './state';
import { detailsOf, labelOf } from './words';

/**
 * Shows in the status bar how safe the edits of the current notebook are.
 */
export class SavingItem extends Widget {
  constructor(options: SavingItem.IOptions) {
    super();
    this.addClass('jp-runt-Saving');
    this._trans = options.trans;
    this._button.type = 'button';
    this._button.className = 'jp-runt-Saving-button';
    this._label.className = 'jp-runt-Saving-label';
    this._news.className = 'jp-runt-news';
    this._news.setAttribute('role', 'status');
    const dot = document.createElement('span');
    dot.className = 'jp-runt-Saving-dot';
    this._button.append(dot, this._label);
    this._button.addEventListener('click', () => {
      options.onClick(this._calm.shown);
    });
    this.node.append(this._button, this._news);
  }

  /**
   * Whether there is something to say.
   */
  get isActive(): boolean {
    return this._calm.shown.kind !== 'unknown';
  }

  /**
   * There is, or is no more, something to say.
   */
  get activeChanged(): ISignal<this, void> {
    return this._activeChanged;
  }

  /**
   * Show how it goes with this notebook, or with none.
   */
  follow(saving: NotebookSaving | null): void {
    this._saving?.stateChanged.disconnect(this._onState, this);
    this._saving = saving;
    saving?.stateChanged.connect(this._onState, this);
    this._calm.reset(saving?.state ?? { kind: 'unknown' });
  }

  /**
   * Show nothing any more.
   */
  dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this.follow(null);
    this._calm.dispose();
    Signal.clearData(this);
    super.dispose();
  }

  private _onState(_: NotebookSaving, state: SavingState): void {
    this._calm.set(state);
  }

  private _show(state: SavingState): void {
    const last = this._last;
    this._last = state;
    const label = labelOf(state, this._trans);
    this.node.dataset.state = state.kind;
    this._label.textContent = label;
    this._button.title = detailsOf(state, this._trans);
    if (isNews(state, this._told)) {
      this._told = state;
      this._news.textContent = label;
    }
    if ((state.kind === 'unknown') !== (last.kind === 'unknown')) {
      this._activeChanged.emit();
    }
  }

  private _trans: TranslationBundle;
  private _button = document.createElement('button');
  private _label = document.createElement('span');
  private _news = document.createElement('span');
  private _saving: NotebookSaving | null = null;
  private _last: SavingState = { kind: 'unknown' };
  /** What a screen reader said last. */
  private _told: SavingState = { kind: 'unknown' };
  private _calm = new CalmState(state => this._show(state));
  private _activeChanged = new Signal<this, void>(this);
}

/**
 * A namespace for SavingItem statics.
 */
export namespace SavingItem {
  /**
   * The options of an item.
   */
  export interface IOptions {
    trans: TranslationBundle;

    /**
     * The person wants to know more about what is shown.
     */
    onClick: (state: SavingState) => void;
  }
}
