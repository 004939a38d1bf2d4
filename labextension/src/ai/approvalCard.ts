import { Widget } from '@lumino/widgets';

import type { IApproval } from '../services/ai';
import type { ApprovalList } from './approvalList';
import type { IPending } from './approvals';
import { waitingIcon } from './icons';
import { readable } from './toolWords';

/** How often it says how much time is left. */
const TICK_MS = 1000;

/** From when on it says so. */
const SOON_MS = 60_000;

/**
 * What a person decided.
 */
export interface IDecision {
  approval: IApproval;
  decision: 'once' | 'always' | 'deny';
  /** Why not, for the model to know; empty where nothing was said. */
  reason: string;
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
    this._preview.className = 'jp-runt-Approval-preview';
    this._preview.tabIndex = 0;
    this._actions.className = 'jp-runt-Approval-actions';
    this._left.className = 'jp-runt-Approval-left';
    this._problem.className = 'jp-runt-Approval-problem';
    this._problem.setAttribute('role', 'alert');
    this._makeActions();
    const head = document.createElement('div');
    head.className = 'jp-runt-Approval-head';
    head.append(waitingIcon.element({ tag: 'span' }), this._title, this._left);
    this.node.append(head, this._preview, this._actions, this._problem);
    this._ticking = setInterval(() => this._tell(), TICK_MS);
  }

  /**
   * Show a call that waits.
   */
  write(pending: IPending): void {
    const { tools, trans, waitsFor } = this._options;
    const { approval, call } = pending;
    this._pending = pending;
    const mine = Boolean(approval?.nonce);
    const what = `${tools.title(call.tool)} (${tools.effect(call.effect)})`;
    const title = mine
      ? trans.__('Allow this? %1', what)
      : `${waitsFor(call.requested_by)}: ${what}`;
    this._title.textContent = title;
    this.node.setAttribute('aria-label', title);
    this._actions.hidden = !mine;
    this._writePreview(approval);
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
    this._actions.querySelector('button')?.focus();
    return true;
  }

  /**
   * Show nothing any more.
   */
  dispose(): void {
    clearInterval(this._ticking);
    super.dispose();
  }

  private _writePreview(approval: IApproval | null): void {
    const text = approval?.preview || readable(approval?.arguments ?? '');
    if (this._preview.textContent !== text) {
      this._preview.replaceChildren(...linesOf(text));
    }
    this._preview.hidden = text === '';
  }

  private _makeActions(): void {
    const { trans } = this._options;
    this._reason.placeholder = trans.__('Why not (optional)');
    this._reason.setAttribute('aria-label', this._reason.placeholder);
    this._reason.className = 'jp-mod-styled jp-runt-Approval-reason';
    this._reason.addEventListener('keydown', event => {
      event.stopPropagation();
      if (event.key === 'Enter') {
        this._decide('deny');
      }
    });
    this._actions.append(
      this._button('once', trans.__('Allow Once'), 'jp-mod-accept'),
      this._button(
        'always',
        trans.__('Always in This Notebook, for Me'),
        'jp-mod-reject'
      ),
      this._button('deny', trans.__('Deny'), 'jp-mod-warn'),
      this._reason
    );
  }

  private _button(
    decision: IDecision['decision'],
    label: string,
    style: string
  ): HTMLButtonElement {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = `jp-Button jp-mod-styled ${style}`;
    button.dataset.decision = decision;
    button.textContent = label;
    // JupyterLab's keys are for the cell around it.
    button.addEventListener('keydown', event => {
      if (event.key === 'Enter' || event.key === ' ') {
        event.stopPropagation();
      }
    });
    button.addEventListener('click', () => this._decide(decision));
    return button;
  }

  private _decide(decision: IDecision['decision']): void {
    const approval = this._pending?.approval;
    if (!approval?.nonce || this._isDeciding) {
      return;
    }
    this._setDeciding(true);
    this._problem.textContent = '';
    this._options
      .onDecide({ approval, decision, reason: this._reason.value.trim() })
      .catch((reason: Error) => {
        this._problem.textContent = reason.message;
        this._setDeciding(false);
      });
  }

  private _setDeciding(on: boolean): void {
    this._isDeciding = on;
    for (const button of this._actions.querySelectorAll('button')) {
      button.disabled = on;
    }
  }

  private _tell(): void {
    if (this._pending === null) {
      return;
    }
    const { now, trans } = this._options;
    const left = Date.parse(this._pending.call.expires_at) - now();
    const text =
      left <= 0
        ? trans.__('Expired')
        : left < SOON_MS
          ? trans.__('Expires in %1 s', Math.ceil(left / 1000))
          : trans.__('Expires in %1 min', Math.round(left / SOON_MS));
    if (this._left.textContent !== text) {
      this._left.textContent = text;
    }
  }

  private _title = document.createElement('span');
  private _left = document.createElement('span');
  private _preview = document.createElement('pre');
  private _actions = document.createElement('div');
  private _reason = document.createElement('input');
  private _problem = document.createElement('p');
  private _pending: IPending | null = null;
  private _isDeciding = false;
  private _ticking: ReturnType<typeof setInterval>;
}

/** Lines of a preview; those of a diff have their colors. */
function linesOf(text: string): HTMLElement[] {
  const isDiff = /^(@@|--- )/m.test(text);
  return text.split('\n').map(line => {
    const row = document.createElement('span');
    row.textContent = `${line}\n`;
    if (isDiff && /^[+-]/.test(line)) {
      row.dataset.change = line[0];
    }
    return row;
  });
}
