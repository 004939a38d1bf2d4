import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import type { CellNames } from '../model/cellNames';
import type { IContextMessage, IShownTurn } from '../services/ai';
import type { ToolWords } from './toolWords';

/**
 * Shows what a model was given, word for word.
 */
export class ContextView extends Widget {
  constructor({ shown }: IShownTurn, options: ContextView.IOptions) {
    super();
    const { cells, tools, trans } = options;
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
          '%1 was given about %2 tokens; there is room for %3.',
          shown.model,
          shown.tokens.toLocaleString(),
          shown.budget.toLocaleString()
        )
      )
    );
    for (const { what, cell_id } of shown.left_out) {
      const cell = cells.phrase([cell_id]);
      this.node.append(paragraph(trans.__('Not in full: %1 (%2)', what, cell)));
    }
    if (shown.tools.length > 0) {
      const titles = shown.tools.map(tool => tools.title(tool)).join(', ');
      this.node.append(paragraph(trans.__('What it can do: %1', titles)));
    }
    this.node.append(...shown.messages.map(each => section(each, trans)));
  }
}

/**
 * A namespace for ContextView statics.
 */
export namespace ContextView {
  /**
   * The options of a view.
   */
  export interface IOptions {
    cells: CellNames;
    tools: ToolWords;
    trans: TranslationBundle;
  }
}

function section(
  { cells, role, text }: IContextMessage,
  trans: TranslationBundle
): HTMLElement {
  const made = document.createElement('details');
  made.open = role !== 'system';
  const summary = document.createElement('summary');
  summary.textContent = titleOf(role, !!cells?.length, trans);
  const content = document.createElement('pre');
  content.textContent = text;
  made.append(summary, content);
  return made;
}

function titleOf(
  role: string,
  hasCells: boolean,
  trans: TranslationBundle
): string {
  switch (role) {
    case 'system':
      return trans.__('Rules (system)');
    case 'user':
      return hasCells
        ? trans.__('Notebook (user)')
        : trans.__('Question (user)');
    case 'assistant':
      return trans.__('What it said (assistant)');
    case 'tool':
      return trans.__('What came back (tool)');
    default:
      return role;
  }
}

function paragraph(text: string): HTMLElement {
  const made = document.createElement('p');
  made.textContent = text;
  return made;
}
