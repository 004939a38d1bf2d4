import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import type { IContextMessage, IShownTurn } from '../services/ai';

/**
 * Shows what a model was given, word for word.
 */
export class ContextView extends Widget {
  constructor({ shown }: IShownTurn, trans: TranslationBundle) {
    super();
    this.addClass('jp-runt-Context');
    if (shown === null) {
      this.node.append(
        paragraph(trans.__('The model was given nothing before it ended.'))
      );
      return;
    }
    this.node.append(
      paragraph(
        trans.__(
          '%1: about %2 of at most %3 tokens.',
          shown.model,
          shown.tokens.toLocaleString(),
          shown.budget.toLocaleString()
        )
      )
    );
    for (const { what, cell_id } of shown.left_out) {
      this.node.append(
        paragraph(trans.__('Not in full: %1 (cell %2)', what, cell_id))
      );
    }
    if (shown.tools.length > 0) {
      this.node.append(
        paragraph(trans.__('It may call: %1', shown.tools.join(', ')))
      );
    }
    this.node.append(...shown.messages.map(section));
  }
}

function section({ role, text }: IContextMessage): HTMLElement {
  const made = document.createElement('details');
  made.open = role !== 'system';
  const summary = document.createElement('summary');
  summary.textContent = role;
  const content = document.createElement('pre');
  content.textContent = text;
  made.append(summary, content);
  return made;
}

function paragraph(text: string): HTMLElement {
  const made = document.createElement('p');
  made.textContent = text;
  return made;
}
