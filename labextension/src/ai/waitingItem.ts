import type { TranslationBundle } from '@jupyterlab/translation';
import { type ISignal, Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';

import { waitingIcon } from './icons';

/**
 * Says in the status bar that the AI waits for this person, in any open notebook.
 */
export class WaitingItem extends Widget {
  /**
   * @param onClick - The person wants to see what for.
   */
  constructor(
    private _trans: TranslationBundle,
    onClick: () => void
  ) {
    super();
    this.addClass('jp-runt-Waiting');
    this._button.type = 'button';
    this._button.className = 'jp-runt-Runtime-button';
    this._button.title = _trans.__('Show what is to be decided');
    this._button.append(waitingIcon.element({ tag: 'span' }), this._label);
    this._button.addEventListener('click', onClick);
    // A screen reader says it as soon as it is so; in a button it would not be the button's name.
    this._news.className = 'jp-runt-news';
    this._news.setAttribute('role', 'status');
    this.node.append(this._button, this._news);
  }

  /**
   * Whether there is something to say.
   */
  get isActive(): boolean {
    return this._count > 0;
  }

  /**
   * There is, or is no more, something to say.
   */
  get activeChanged(): ISignal<this, void> {
    return this._activeChanged;
  }

  /**
   * Say how many calls wait for this person.
   */
  write(count: number): void {
    if (count !== this._count) {
      this._count = count;
      const words = this._trans._n(
        'AI waits for you',
        'AI waits for you: %1',
        count,
        count
      );
      this._label.textContent = words;
      this._news.textContent = count > 0 ? words : '';
      this._activeChanged.emit();
    }
  }

  private _button = document.createElement('button');
  private _label = document.createElement('span');
  private _news = document.createElement('span');
  private _count = 0;
  private _activeChanged = new Signal<this, void>(this);
}
