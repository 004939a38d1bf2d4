import { Widget } from '@lumino/widgets';

/**
 * Stands above a notebook while a person chooses cells for the AI.
 */
export class ChooserBar extends Widget {
  constructor({ label, buttons, onChoose }: ChooserBar.IOptions) {
    super();
    this.addClass('jp-runt-Chooser');
    this.node.setAttribute('role', 'toolbar');
    this._label.setAttribute('role', 'status');
    this.node.append(this._label);
    for (const [choice, text] of Object.entries(buttons)) {
      const made = document.createElement('button');
      made.type = 'button';
      made.className = 'jp-Button jp-mod-styled';
      made.classList.toggle('jp-mod-accept', choice === 'done');
      made.dataset.choice = choice;
      made.textContent = text;
      made.addEventListener('click', () => onChoose(choice as Choice));
      this.node.append(made);
    }
    this.say(label);
  }

  /**
   * Say what is chosen.
   */
  say(label: string): void {
    this._label.textContent = label;
    this._label.title = label;
    this.node.setAttribute('aria-label', label);
  }

  private _label = document.createElement('span');
}

/**
 * What can be chosen for all cells at once.
 */
export type Choice = 'above' | 'all' | 'none' | 'selected' | 'done';

/**
 * A namespace for ChooserBar statics.
 */
export namespace ChooserBar {
  /**
   * The options of a bar.
   */
  export interface IOptions {
    label: string;

    /** Their labels, in their order. */
    buttons: Partial<Record<Choice, string>>;

    /**
     * The person chose something.
     */
    onChoose: (choice: Choice) => void;
  }
}
