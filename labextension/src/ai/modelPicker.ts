import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import type { IModels } from '../services/ai';
import { nameOf } from './turnWords';

/**
 * Lets a person choose the model that a cell asks.
 */
export class ModelPicker extends Widget {
  constructor(private _options: ModelPicker.IOptions) {
    super({ node: document.createElement('select') });
    const { trans } = _options;
    this.addClass('jp-runt-ModelPicker');
    this.select.title = trans.__('The model that this cell asks');
    this.select.setAttribute('aria-label', this.select.title);
    this.select.addEventListener('change', () => {
      _options.onChoose(this.select.value);
    });
    // JupyterLab's keys are for the cell around it.
    this.select.addEventListener('keydown', event => event.stopPropagation());
    // The list may be longer by now: somebody has set a key.
    this.select.addEventListener('pointerdown', _options.onOpen);
  }

  /**
   * The element that is chosen in.
   */
  get select(): HTMLSelectElement {
    return this.node as HTMLSelectElement;
  }

  /**
   * Show which models there are, and which is chosen.
   *
   * @param chosen - Empty where the server is to choose.
   */
  write(known: IModels | null, chosen: string): void {
    const key = JSON.stringify([known, chosen]);
    if (key === this._written) {
      return;
    }
    this._written = key;
    const { trans } = this._options;
    const { models = [], providers = [] } = known ?? {};
    const first = known?.default;
    const groups: HTMLElement[] = [
      option(
        '',
        !first
          ? trans.__('Default model')
          : trans.__('Default model: %1', nameOf(first))
      )
    ];
    for (const { name, ready, problem } of providers) {
      const group = document.createElement('optgroup');
      group.label = ready ? name : trans.__('%1: not ready', name);
      const own = models.filter(({ provider }) => provider === name);
      group.append(...own.map(({ id }) => option(id, nameOf(id))));
      if (problem) {
        group.append(unusable(problem));
      }
      groups.push(group);
    }
    if (chosen !== '' && !models.some(({ id }) => id === chosen)) {
      const label = trans.__('%1: not there', nameOf(chosen));
      groups.push(option(chosen, known === null ? nameOf(chosen) : label));
    }
    this.select.replaceChildren(...groups);
    this.select.value = chosen;
  }

  private _written = '';
}

/**
 * A namespace for ModelPicker statics.
 */
export namespace ModelPicker {
  /**
   * The options of a picker.
   */
  export interface IOptions {
    trans: TranslationBundle;

    /**
     * The person chose a model, or to leave it to the server.
     */
    onChoose: (model: string) => void;

    /**
     * The person is about to choose.
     */
    onOpen: () => void;
  }
}

function option(value: string, label: string): HTMLOptionElement {
  const made = document.createElement('option');
  made.value = value;
  made.textContent = label;
  return made;
}

function unusable(problem: string): HTMLOptionElement {
  const made = option('', problem);
  made.disabled = true;
  return made;
}
