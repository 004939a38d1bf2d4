import type { Dialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';

/**
 * Lets a person write what each model is told about a notebook.
 */
export class InstructionsForm
  extends Widget
  implements Dialog.IBodyWidget<string>
{
  constructor(instructions: string, trans: TranslationBundle) {
    super();
    this.addClass('jp-runt-Instructions');
    const label = document.createElement('label');
    label.textContent = trans.__(
      'Every model that is asked in this notebook is told:'
    );
    this._text.className = 'jp-mod-styled';
    this._text.rows = 8;
    this._text.placeholder = trans.__(
      'For example: use polars, not pandas; answer in Spanish.'
    );
    this._text.value = instructions;
    label.append(this._text);
    this.node.append(label);
  }

  /**
   * Return what is written.
   */
  getValue(): string {
    return this._text.value.trim();
  }

  protected onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    document.addEventListener('keydown', this._onKey, true);
  }

  protected onBeforeDetach(msg: Message): void {
    document.removeEventListener('keydown', this._onKey, true);
    super.onBeforeDetach(msg);
  }

  /** A dialog takes Enter for itself, before a line can end. */
  private _onKey = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && event.target === this._text) {
      event.stopPropagation();
    }
  };

  private _text = document.createElement('textarea');
}
