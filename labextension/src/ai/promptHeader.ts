import type { TranslationBundle } from '@jupyterlab/translation';
import { Panel, Widget } from '@lumino/widgets';

import type { IModels } from '../services/ai';
import { aiIcon } from './icons';
import { ModelPicker } from './modelPicker';

/**
 * The head of an AI cell: what it is, which model it asks, and what is missing.
 */
export class PromptHeader extends Panel {
  constructor(private _options: PromptHeader.IOptions) {
    super();
    this.addClass('jp-runt-PromptHeader');
    const mark = new Widget({ node: document.createElement('span') });
    mark.addClass('jp-runt-PromptHeader-mark');
    mark.node.append(aiIcon.element({ tag: 'span' }));
    this._picker = new ModelPicker(_options);
    this._context.type = 'button';
    this._context.className =
      'jp-runt-link-button jp-runt-PromptHeader-context';
    this._context.addEventListener('click', _options.onPick);
    this._help.addClass('jp-runt-PromptHeader-help');
    this._help.node.setAttribute('role', 'note');
    this.addWidget(mark);
    this.addWidget(this._picker);
    this.addWidget(new Widget({ node: this._context }));
    this.addWidget(this._help);
  }

  /**
   * Say which cells the questions show.
   *
   * @param names - Of those that were chosen; null where they are those above.
   */
  writeContext(names: string | null): void {
    const { trans } = this._options;
    this._context.textContent =
      names === null
        ? trans.__('Shows the cells above')
        : names === ''
          ? trans.__('Shows no other cell')
          : trans.__('Shows %1', names);
    this._context.title = trans.__('Choose the cells that the question shows');
    this._context.disabled = !this._options.isWritable();
  }

  /**
   * Show which models there are, and which is chosen.
   */
  write(known: IModels | null, chosen: string): void {
    this._picker.write(known, chosen);
    this._picker.select.disabled = !this._options.isWritable();
    const missing = known !== null && known.models.length === 0;
    this._help.setHidden(!missing);
    if (missing) {
      this._writeHelp(known);
    }
  }

  private _writeHelp({ providers }: IModels): void {
    const { onSettings, trans } = this._options;
    const problems = document.createElement('ul');
    for (const { name, problem } of providers) {
      const item = document.createElement('li');
      item.textContent = problem ?? name;
      problems.append(item);
    }
    const lead = document.createElement('p');
    lead.textContent = trans.__(
      'There is no model to ask yet. Give a key, or run Ollama beside this server. To try it without, "jupyter runt demo-model" in a terminal serves a demo, and says how it is used.'
    );
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'jp-Button jp-mod-styled jp-mod-accept';
    button.textContent = trans.__('Give a Key…');
    button.addEventListener('click', onSettings);
    this._help.node.replaceChildren(lead, problems, button);
  }

  private _picker: ModelPicker;
  private _context = document.createElement('button');
  private _help = new Widget();
}

/**
 * A namespace for PromptHeader statics.
 */
export namespace PromptHeader {
  /**
   * The options of a header.
   */
  export interface IOptions extends ModelPicker.IOptions {
    trans: TranslationBundle;

    /**
     * Return whether the person may edit the notebook.
     */
    isWritable: () => boolean;

    /**
     * The person wants to choose which cells the questions show.
     */
    onPick: () => void;

    /**
     * The person wants to set a key.
     */
    onSettings: () => void;
  }
}
