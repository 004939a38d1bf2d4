import { Widget } from '@lumino/widgets';

import type { IToolCall } from '../services/ai';
import { iconOfCall } from './icons';
import { readable, subjectOf, type ToolWords } from './toolWords';

/**
 * A tool's call in an answer: one line, which unfolds.
 *
 * It tells, and offers nothing to decide: anybody can write it into an output.
 */
export class ToolRow extends Widget {
  constructor(private _words: ToolWords) {
    super({ node: document.createElement('details') });
    this.addClass('jp-runt-Tool');
    const summary = document.createElement('summary');
    this._title.className = 'jp-runt-Tool-title';
    this._subject.className = 'jp-runt-Tool-subject';
    this._status.className = 'jp-runt-Tool-status';
    summary.append(this._icon, this._title, this._subject, this._status);
    this.node.append(summary, this._arguments, this._result);
    this._result.className = 'jp-runt-Tool-result';
  }

  /**
   * Show where the call is.
   */
  write(call: IToolCall): void {
    if (this.node.dataset.status !== call.status) {
      this.node.dataset.status = call.status;
      const icon = iconOfCall(call).element({ tag: 'span' });
      this._icon.replaceWith(icon);
      this._icon = icon;
    }
    const words = this._words;
    set(this._title, words.title(call.tool));
    set(this._subject, subjectOf(call));
    set(this._status, words.status(call));
    set(this._arguments, readable(call.arguments));
    set(this._result, call.result ?? '');
    this._result.hidden = !call.result;
    this.node.title = `${call.tool}: ${words.effect(call.effect)}`;
  }

  private _icon: HTMLElement = document.createElement('span');
  private _title = document.createElement('span');
  private _subject = document.createElement('span');
  private _status = document.createElement('span');
  private _arguments = document.createElement('pre');
  private _result = document.createElement('pre');
}

function set(element: HTMLElement, text: string): void {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}
