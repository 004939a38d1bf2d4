import type { TranslationBundle } from '@jupyterlab/translation';
import { stopIcon } from '@jupyterlab/ui-components';
import { type ISignal, Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';

import type { NotebookControl } from './control';
import { iconOfRuntime } from './icons';
import { type IRuntimeState, tellsEnd } from './state';

/** How often it says for how long something has been so. */
const TICK_MS = 1000;

/**
 * Shows in the status bar what the kernel of the current notebook does.
 */
export class RuntimeItem extends Widget {
  constructor(options: RuntimeItem.IOptions) {
    super();
    const { trans, onClick, onStop } = options;
    this.addClass('jp-runt-Runtime');
    this._button.type = this._stop.type = 'button';
    this._button.className = 'jp-runt-Runtime-button';
    this._button.addEventListener('click', onClick);
    this._label.className = 'jp-runt-Runtime-label';
    this._progress.className = 'jp-runt-progress';
    this._progress.setAttribute('aria-hidden', 'true');
    this._icon.className = 'jp-runt-shape';
    this._button.append(this._icon, this._label, this._progress);
    this._stop.className = 'jp-runt-Runtime-stop';
    this._stop.title = trans.__('Stop all cells of this notebook');
    this._stop.setAttribute('aria-label', this._stop.title);
    this._stop.append(stopIcon.element({ tag: 'span' }));
    this._stop.addEventListener('click', onStop);
    this._news.className = 'jp-runt-news';
    this._news.setAttribute('role', 'status');
    this.node.append(this._button, this._stop, this._news);
    this._button.addEventListener('pointerenter', () => this._describe());
    this._button.addEventListener('focus', () => this._describe());
    this._show();
  }

  /**
   * Whether there is something to say.
   */
  get isActive(): boolean {
    return Boolean(this._control?.state);
  }

  /**
   * There is, or is no more, something to say.
   */
  get activeChanged(): ISignal<this, void> {
    return this._activeChanged;
  }

  /**
   * Show what the kernel of this notebook does, or of none.
   */
  follow(control: NotebookControl | null): void {
    if (control === this._control) {
      return;
    }
    this._control?.changed.disconnect(this._show, this);
    this._control = control;
    control?.changed.connect(this._show, this);
    this._last = null;
    this._show();
  }

  /**
   * Show nothing any more.
   */
  dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this.follow(null);
    Signal.clearData(this);
    super.dispose();
  }

  private _show(): void {
    const state = this._control?.state ?? null;
    this._tick(state !== null && state.kind !== 'none');
    if (state === null) {
      this._setActive(false);
      return;
    }
    const { kind, progress } = state;
    const shape = iconOfRuntime(state);
    this.node.dataset.state = tellsEnd(state) ? 'fresh' : kind;
    if (this._shape !== shape) {
      this._shape = shape;
      this._icon.replaceChildren(shape.element({ tag: 'span' }));
    }
    this._write(state);
    this._progress.hidden = progress === null || progress.total === 1;
    this._progress.max = progress?.total ?? 1;
    this._progress.value = progress?.done ?? 0;
    this._stop.hidden = progress === null;
    this._tell(state);
    this._setActive(true);
  }

  private _write(state: IRuntimeState): void {
    const { runtime, words } = this._control!;
    const label = words.runtime.label(state, runtime.clock.now());
    if (this._label.textContent !== label) {
      this._label.textContent = label;
    }
  }

  /** A screen reader says what is other than when it looked first. */
  private _tell(state: IRuntimeState): void {
    const news = this._control!.words.runtime.news(state);
    if (news === '' || news === this._last) {
      return;
    }
    if (this._last !== null) {
      this._news.textContent = news;
    }
    this._last = news;
  }

  private _describe(): void {
    const state = this._control?.state;
    if (this._control && state) {
      const { runtime, words } = this._control;
      this._button.title = words.runtime.details(state, runtime.clock.now());
    }
  }

  private _tick(on: boolean): void {
    if (!on) {
      clearInterval(this._ticking);
      this._ticking = undefined;
    } else {
      this._ticking ??= setInterval(() => {
        const state = this._control?.state;
        if (state && !document.hidden) {
          this._write(state);
        }
      }, TICK_MS);
    }
  }

  private _setActive(active: boolean): void {
    if (active !== this._active) {
      this._active = active;
      this._activeChanged.emit();
    }
  }

  private _control: NotebookControl | null = null;
  private _button = document.createElement('button');
  private _stop = document.createElement('button');
  private _icon = document.createElement('span');
  private _label = document.createElement('span');
  private _progress = document.createElement('progress');
  private _news = document.createElement('span');
  private _shape: ReturnType<typeof iconOfRuntime> | undefined;
  /** What a screen reader knows. */
  private _last: string | null = null;
  private _active = false;
  private _ticking: ReturnType<typeof setInterval> | undefined;
  private _activeChanged = new Signal<this, void>(this);
}

/**
 * A namespace for RuntimeItem statics.
 */
export namespace RuntimeItem {
  /**
   * The options of an item.
   */
  export interface IOptions {
    trans: TranslationBundle;

    /**
     * The person wants to know more.
     */
    onClick: () => void;

    /**
     * The person wants all cells to stop.
     */
    onStop: () => void;
  }
}
