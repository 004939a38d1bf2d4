import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

/**
 * What can be chosen for all cells at once.
 */
export type Choice = 'all' | 'none' | 'selected' | 'done';

/**
 * Stands above a notebook while a person chooses what the AI is shown.
 */
export class ChooserBar extends Widget {
  constructor(trans: TranslationBundle, onChoose: (choice: Choice) => void) {
    super();
    this.addClass('jp-runt-Chooser');
    this.node.setAttribute('role', 'toolbar');
    this.node.setAttribute('aria-label', trans.__('What the AI sees'));
    const label = document.createElement('span');
    label.textContent = trans.__('Choose with the eyes what the AI sees.');
    const button = (choice: Choice, text: string) => {
      const made = document.createElement('button');
      made.type = 'button';
      made.className = 'jp-Button jp-mod-styled';
      made.dataset.choice = choice;
      made.textContent = text;
      made.addEventListener('click', () => onChoose(choice));
      return made;
    };
    this.node.append(
      label,
      button('all', trans.__('Show All')),
      button('none', trans.__('Hide All')),
      button('selected', trans.__('Show Only the Selected')),
      button('done', trans.__('Done'))
    );
  }
}
