import { Widget } from '@lumino/widgets';

import type { IApproval } from '../services/ai';
import type { ApprovalList } from './approvalList';
import type { IPending } from './approvals';
import { waitingIcon } from './icons';

/** How often it says how much time is left. */
const TICK_MS = 1000;

const MINUTE_MS = 60_000;

/**
 * What a person decided.
 */
export interface IDecision {
  approval: IApproval;
  decision: 'once' | 'always' | 'deny';
  /** The answer to a question, or why not; empty where nothing was said. */
  words: string;
}

/**
 * A call of a tool that waits for a decision: exactly what it would do, and the buttons.
 *
 * Whoever may not decide sees for whom it waits, and no buttons.
 */
export class ApprovalCard extends Widget {
  constructor(private _options: ApprovalList.IOptions) {
    super();
    this.addClass('jp-runt-Approval');
    this.node.setAttribute('role', 'group');
    this._title.className = 'jp-runt-Approval-title';
    this._where.type = 'button';
    this._where.className = 'jp-runt-link-button jp-runt-Approval-where';
    this._where.hidden = true;
    this._preview.className = 'jp-runt-Approval-preview';
    this._preview.tabIndex = 0;
    this._preview.setAttribute('role', 'region');
    this._preview.setAttribute('aria-label', _options.trans.__('Exactly this'));
    this._actions.className = 'jp-runt-Approval-actions';
    this._actions.hidden = true;
    this._left.className = 'jp-runt-Approval-left';
    this._note.className = 'jp-runt-Approval-note';
    this._problem.className = 'jp-runt-Approval-problem';
    this._problem.setAttribute('role', 'alert');
    this._words.className = 'jp-mod-styled jp-runt-Approval-words';
    const head = document.createElement('div');
    head.className = 'jp-runt-Approval-head';
    head.append(waitingIcon.element({ tag: 'span' }), this._title, this._left);
    this.node.append(
      head,
      this._where,
      this._preview,
      this._actions,
      this._note,
      this._problem
    );
    this._ticking = setInterval(() => this._tell(), TICK_MS);
  }

  /**
   * Show a call that waits.
   */
  write({ approval, call }: IPending): void {
    const { tools, trans, waitsFor } = this._options;
    this._expiresAt = Date.parse(call.expires_at);
    const tool = tools.title(call.tool);
    const what = approval?.choices
      ? tool
      : `${tool} (${tools.effect(call.effect)})`;
    const title = !approval?.nonce
      ? `${waitsFor(call.requested_by)}: ${what}`
      : approval.choices
        ? trans.__('The AI asks you')
        : trans.__('Allow this? %1', what);
    this._title.textContent = title;
    this.node.setAttribute('aria-label', title);
    this._preview.hidden = !approval?.preview;
    this._preview.classList.toggle('jp-runt-mod-question', !!approval?.choices);
    if (approval && this._approval === null) {
      this._approval = approval;
      this._preview.append(...linesOf(approval.preview));
      this._locate(approval);
      if (approval.nonce) {
        this._offer(approval);
      }
    }
    this._tell();
  }

  /**
   * Let the person decide with the keyboard.
   *
   * @returns whether this person may.
   */
  focus(): boolean {
    if (this._actions.hidden) {
      return false;
    }
    this.node.scrollIntoView({ block: 'nearest' });
    this._actions.querySelector<HTMLElement>('button,input')?.focus();
    return true;
  }

  /**
   * Show nothing any more.
   */
  dispose(): void {
    clearInterval(this._ticking);
    super.dispose();
  }

  /** A diff does not say of which cell it is. */
  private _locate({ arguments: { cell_id, cell_ids } }: IApproval): void {
    const { nameOf, onReveal } = this._options;
    const ids = [cell_id, cell_ids]
      .flat()
      .filter((id): id is string => typeof id === 'string');
    this._where.textContent = nameOf(ids);
    this._where.hidden = this._where.textContent === '';
    this._where.addEventListener('click', () => onReveal(ids[0]));
  }

  private _offer({ always, choices }: IApproval): void {
    const { trans } = this._options;
    const words = this._words;
    words.placeholder = choices
      ? trans.__('Your answer')
      : trans.__('Why not (optional)');
    words.setAttribute('aria-label', words.placeholder);
    words.addEventListener('keydown', event => {
      event.stopPropagation();
      if (event.key === 'Enter') {
        this._decide(choices ? 'once' : 'deny', words.value);
      }
    });
    const said = () => words.value;
    this._actions.hidden = false;
    if (choices) {
      this._actions.append(
        ...choices.map(choice => this._button('once', choice, () => choice)),
        words,
        this._button('once', trans.__('Answer'), said, 'jp-mod-accept'),
        this._button('deny', trans.__('Do Not Answer'), () => '')
      );
      return;
    }
    this._actions.append(
      this._button('once', trans.__('Allow Once'), () => '', 'jp-mod-accept')
    );
    if (always === false) {
      this._note.textContent = trans.__(
        'You are asked each time in this answer: the AI has read outputs, files, or what others wrote, which may tell it what to do.'
      );
    } else {
      const label = trans.__('Always in This Notebook, for Me');
      this._actions.append(this._button('always', label, () => ''));
    }
    this._actions.append(
      this._button('deny', trans.__('Deny'), said, 'jp-mod-warn'),
      words
    );
  }

  private _button(
    decision: IDecision['decision'],
    label: string,
    words: () => string,
    style = ''
  ): HTMLButtonElement {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = `jp-Button jp-mod-styled ${style}`.trim();
    button.dataset.decision = decision;
    button.textContent = label;
    // JupyterLab's keys are for the cell around it.
    button.addEventListener('keydown', event => {
      if (event.key === 'Enter' || event.key === ' ') {
        event.stopPropagation();
      }
    });
    button.addEventListener('click', () => this._decide(decision, words()));
    return button;
  }

  private _decide(decision: IDecision['decision'], words: string): void {
    const approval = this._approval;
    if (approval === null || this._isDeciding) {
      return;
    }
    const hadFocus = this.node.contains(document.activeElement);
    this._isDeciding = true;
    this._actions.inert = true;
    this._problem.textContent = '';
    this._options.onDecide({ approval, decision, words: words.trim() }).then(
      () => {
        // Where the buttons are inert, and soon gone, the keyboard is nowhere.
        const at = document.activeElement;
        if (hadFocus && (at === document.body || this.node.contains(at))) {
          this._options.onDecided();
        }
      },
      (reason: Error) => {
        this._problem.textContent = reason.message;
        this._isDeciding = false;
        this._actions.inert = false;
        if (hadFocus) {
          this.focus();
        }
      }
    );
  }

  private _tell(): void {
    const { now, trans } = this._options;
    const left = this._expiresAt - now();
    const text =
      left <= 0
        ? trans.__('Expired')
        : left < MINUTE_MS
          ? trans.__('Expires in %1 s', Math.ceil(left / 1000))
          : trans.__('Expires in %1 min', Math.round(left / MINUTE_MS));
    if (this._left.textContent !== text) {
      this._left.textContent = text;
    }
  }

  private _title = document.createElement('span');
  private _left = document.createElement('span');
  private _where = document.createElement('button');
  private _preview = document.createElement('pre');
  private _actions = document.createElement('div');
  private _words = document.createElement('input');
  private _note = document.createElement('p');
  private _problem = document.createElement('p');
  /** Null as long as the server has not said what it is about. */
  private _approval: IApproval | null = null;
  private _expiresAt = NaN;
  private _isDeciding = false;
  private _ticking: ReturnType<typeof setInterval>;
}

/** Lines of a preview; those of a diff have their colors. */
function linesOf(text: string): HTMLElement[] {
  const isDiff = /^(@@|--- )/m.test(text);
  return text.split('\n').map(line => {
    const row = document.createElement('span');
    row.textContent = `${line}\n`;
    if (isDiff && /^[+@-]/.test(line)) {
      row.dataset.change = line[0];
    }
    return row;
  });
}
