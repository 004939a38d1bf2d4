import { Panel, Widget } from '@lumino/widgets';

import type { IAnswer } from '../services/ai';
import { AnswerView } from './answerView';
import { endOf } from './turnWords';

/**
 * What was asked and answered in an AI cell before, folded above its prompt.
 */
export class EarlierTurns extends Panel {
  constructor(private _options: AnswerView.IOptions) {
    super({});
    this.addClass('jp-runt-Earlier');
    this._fold.type = 'button';
    this._fold.className = 'jp-runt-link-button';
    this._fold.addEventListener('click', () => {
      this._isOpen = !this._isOpen;
      this._draw();
    });
    this.addWidget(new Widget({ node: this._fold }));
    this.hide();
  }

  /**
   * Show these, the newest last.
   */
  write(answers: readonly IAnswer[]): void {
    const key = answers.map(({ turn_id }) => turn_id).join();
    if (key !== this._written) {
      this._written = key;
      this._answers = answers;
      this._draw();
    }
  }

  private _draw(): void {
    const { trans } = this._options;
    const count = this._answers.length;
    this.setHidden(count === 0);
    this._fold.setAttribute('aria-expanded', String(this._isOpen));
    this._fold.textContent = trans._n(
      '%1 earlier question',
      '%1 earlier questions',
      count,
      count
    );
    this.widgets.slice(1).forEach(widget => widget.dispose());
    if (this._isOpen) {
      this._answers.forEach(this._add, this);
    }
  }

  private _add(answer: IAnswer): void {
    const prompt = new Widget({ node: document.createElement('blockquote') });
    prompt.addClass('jp-runt-TurnBar-asked');
    prompt.node.textContent = answer.prompt;
    const view = new AnswerView(this._options);
    view.draw(answer.items, false, endOf(answer, this._options.trans));
    this.addWidget(prompt);
    this.addWidget(view);
  }

  private _fold = document.createElement('button');
  private _answers: readonly IAnswer[] = [];
  private _written = '';
  private _isOpen = false;
}
