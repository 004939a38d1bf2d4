import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import type { IAllowed } from '../services/ai';
import type { ToolWords } from './toolWords';

/**
 * Shows what a person always allows the AI in a notebook, and takes it back.
 */
export class AllowedView extends Widget {
  constructor(
    allowed: readonly IAllowed[],
    private _options: AllowedView.IOptions
  ) {
    super();
    this.addClass('jp-runt-Allowed');
    this._lead.id = 'jp-runt-Allowed-lead';
    this._rows.setAttribute('aria-labelledby', this._lead.id);
    this._rows.append(...allowed.map(each => this._row(each)));
    this._problem.setAttribute('role', 'alert');
    this.node.append(this._lead, this._rows, this._problem);
    this._say();
  }

  private _row({ effect, tool }: IAllowed): HTMLElement {
    const { onRevoke, tools, trans } = this._options;
    const row = document.createElement('li');
    const what = document.createElement('span');
    what.textContent = `${tools.title(tool)} (${tools.effect(effect)})`;
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'jp-Button jp-mod-styled';
    button.textContent = trans.__('Ask Me Again');
    button.setAttribute(
      'aria-label',
      trans.__('Ask me again: %1', what.textContent)
    );
    button.addEventListener('click', () => {
      onRevoke(tool).then(
        () => {
          row.remove();
          this._say();
        },
        (reason: Error) => {
          this._problem.textContent = reason.message;
        }
      );
    });
    row.append(what, button);
    return row;
  }

  private _say(): void {
    const { trans } = this._options;
    this._lead.textContent =
      this._rows.childElementCount === 0
        ? trans.__('Nothing: you are asked each time.')
        : trans.__(
            'You are not asked about these in this notebook, unless the AI has read outputs, files, or what others wrote:'
          );
  }

  private _lead = document.createElement('p');
  private _rows = document.createElement('ul');
  private _problem = document.createElement('p');
}

/**
 * A namespace for AllowedView statics.
 */
export namespace AllowedView {
  /**
   * The options of a view.
   */
  export interface IOptions {
    tools: ToolWords;
    trans: TranslationBundle;

    /**
     * The person wants to be asked about a tool again.
     */
    onRevoke: (tool: string) => Promise<unknown>;
  }
}
