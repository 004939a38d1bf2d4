import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import { isActive } from '../model/turns';
import type { IToolCall, ITurn } from '../services/ai';
import { isRepeated } from './clicks';
import { aiIcon } from './icons';
import type { TurnWords } from './turnWords';

/** How often it says for how long something has been so. */
const TICK_MS = 1000;

/**
 * What a person can do with a turn.
 */
export type TurnAction =
  'stop' | 'follow' | 'again' | 'undo' | 'shown' | 'keys';

/**
 * Says below the prompt of an AI cell where its last turn is.
 */
export class TurnBar extends Widget {
  constructor(private _options: TurnBar.IOptions) {
    super();
    const { trans } = _options;
    this.addClass('jp-runt-TurnBar');
    this.node.setAttribute('role', 'group');
    this.node.setAttribute('aria-label', trans.__('Answer'));
    this._label.className = 'jp-runt-TurnBar-label';
    this._buttons = {
      stop: this._button(
        'stop',
        trans.__('Stop'),
        trans.__('Stop this answer, keep what has come')
      ),
      follow: this._button(
        'follow',
        trans.__('Follow up'),
        trans.__('Ask something else about this answer, in this cell')
      ),
      again: this._button(
        'again',
        trans.__('Ask again'),
        trans.__('Ask for another answer, in place of this one')
      ),
      undo: this._button(
        'undo',
        trans.__('Undo its changes'),
        trans.__(
          'Take back what this answer changed in the notebook; what people wrote stays'
        )
      ),
      shown: this._button(
        'shown',
        trans.__('What it saw'),
        trans.__('Show what the model was given')
      ),
      keys: this._button(
        'keys',
        trans.__('Keys…'),
        trans.__('See which models there are, and give or change a key')
      )
    };
    this._news.className = 'jp-runt-news';
    this._news.setAttribute('role', 'status');
    const icon = aiIcon.element({ tag: 'span' });
    this._asked.className = 'jp-runt-TurnBar-asked';
    this.node.append(
      icon,
      this._label,
      ...Object.values(this._buttons),
      this._asked,
      this._news
    );
    this.hide();
  }

  /**
   * Show where a turn is, or that there is none.
   *
   * @param asked - What was asked, where the cell does not say so any more.
   */
  write(turn: ITurn | undefined, asked: string): void {
    this._asked.hidden = asked === '';
    this._asked.textContent = asked;
    const wasActive = this._turn !== undefined && isActive(this._turn);
    this._turn = turn;
    this.setHidden(turn === undefined);
    const active = turn !== undefined && isActive(turn);
    this._tick(active);
    if (active !== wasActive) {
      this._news.textContent =
        active || turn === undefined ? '' : this._labelOf(turn);
    }
    if (turn === undefined) {
      return;
    }
    this.node.dataset.status = turn.status;
    for (const [action, button] of Object.entries(this._buttons)) {
      button.hidden =
        !isPossible(action as TurnAction, turn) ||
        (action !== 'shown' && !this._options.isWritable());
    }
    this._say();
  }

  /**
   * Say nothing any more.
   */
  dispose(): void {
    this._tick(false);
    super.dispose();
  }

  private _say(): void {
    if (this._turn !== undefined) {
      const label = this._labelOf(this._turn);
      if (this._label.textContent !== label) {
        this._label.textContent = label;
      }
    }
  }

  private _labelOf(turn: ITurn): string {
    return this._options.words.label(turn, this._options.now());
  }

  private _tick(on: boolean): void {
    if (on) {
      this._ticking ??= setInterval(() => this._say(), TICK_MS);
    } else {
      clearInterval(this._ticking);
      this._ticking = undefined;
    }
  }

  private _button(
    action: TurnAction,
    label: string,
    caption: string
  ): HTMLButtonElement {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'jp-runt-link-button';
    button.dataset.action = action;
    button.textContent = label;
    button.title = caption;
    button.addEventListener('click', ({ detail }) => {
      if (this._turn !== undefined && !isRepeated(detail)) {
        this._options.onAction(action, this._turn);
      }
    });
    return button;
  }

  private _asked = document.createElement('blockquote');
  private _label = document.createElement('span');
  /** What a screen reader says: that it is over, and not each second. */
  private _news = document.createElement('span');
  private _buttons: Record<TurnAction, HTMLButtonElement>;
  private _turn: ITurn | undefined;
  private _ticking: ReturnType<typeof setInterval> | undefined;
}

/**
 * A namespace for TurnBar statics.
 */
export namespace TurnBar {
  /**
   * The options of a bar.
   */
  export interface IOptions {
    words: TurnWords;
    trans: TranslationBundle;

    /**
     * Return how late it is on the server.
     */
    now: () => number;

    /**
     * Return whether the person may edit the notebook.
     */
    isWritable: () => boolean;

    /**
     * The person wants this.
     */
    onAction: (action: TurnAction, turn: ITurn) => void;
  }
}

/**
 * Tell whether something can be done with a turn now.
 */
export function isPossible(action: TurnAction, turn: ITurn): boolean {
  switch (action) {
    case 'stop':
      return isActive(turn);
    case 'again':
    case 'follow':
      return !isActive(turn);
    case 'undo':
      return !isActive(turn) && !turn.undone && turn.items.some(isChange);
    case 'shown':
      return true;
    case 'keys':
      return turn.status === 'error' && turn.text === '';
  }
}

function isChange({ effect, status }: IToolCall): boolean {
  return effect === 'edit' && status === 'ok';
}
