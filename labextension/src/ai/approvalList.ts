import type { TranslationBundle } from '@jupyterlab/translation';
import { Panel } from '@lumino/widgets';

import { ApprovalCard, type IDecision } from './approvalCard';
import type { IPending } from './approvals';
import type { ToolWords } from './toolWords';

/**
 * What waits for a decision in an AI cell, below its prompt.
 */
export class ApprovalList extends Panel {
  constructor(private _options: ApprovalList.IOptions) {
    super();
    this.addClass('jp-runt-ApprovalList');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', _options.trans.__('Decisions'));
    this.hide();
  }

  /**
   * Show these.
   */
  write(pending: readonly IPending[]): void {
    const ids = new Set(pending.map(({ call }) => call.call_id));
    for (const [id, card] of this._cards) {
      if (!ids.has(id)) {
        this._cards.delete(id);
        card.dispose();
      }
    }
    for (const one of pending) {
      const { call_id } = one.call;
      if (!this._cards.has(call_id)) {
        this._cards.set(call_id, new ApprovalCard(this._options));
        this.addWidget(this._cards.get(call_id)!);
      }
      this._cards.get(call_id)!.write(one);
    }
    this.setHidden(pending.length === 0);
  }

  /**
   * Let the person decide the first of them with the keyboard.
   *
   * @returns whether there is one that this person may decide.
   */
  focus(): boolean {
    return [...this._cards.values()].some(card => card.focus());
  }

  private _cards = new Map<string, ApprovalCard>();
}

/**
 * A namespace for ApprovalList statics.
 */
export namespace ApprovalList {
  /**
   * The options of a list.
   */
  export interface IOptions {
    trans: TranslationBundle;
    tools: ToolWords;

    /**
     * Return how late it is on the server.
     */
    now: () => number;

    /**
     * Say whose decision is waited for.
     */
    waitsFor: (actor: string) => string;

    /**
     * Return what people call some cells; empty for none.
     */
    nameOf: (cellIds: readonly string[]) => string;

    /**
     * The person wants to see a cell.
     */
    onReveal: (cellId: string) => void;

    /**
     * The person decided.
     *
     * @returns when the server knows.
     */
    onDecide: (decision: IDecision) => Promise<unknown>;

    /**
     * The person is done, and was there with the keyboard.
     */
    onDecided: () => void;
  }
}
