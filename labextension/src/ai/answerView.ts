import {
  type IRenderMime,
  type IRenderMimeRegistry,
  MimeModel
} from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Panel, Widget } from '@lumino/widgets';

import { blocksOf } from '../model/answers';
import type { AnswerPart } from '../services/ai';
import { AnswerSanitizer, openLink } from './safeHtml';
import { ToolRow } from './toolRow';
import { ToolWords } from './toolWords';
import type { IEnd } from './turnWords';

const MARKDOWN = 'text/markdown';

/**
 * Shows an answer: its text, and the calls of tools between.
 */
export class AnswerView extends Panel {
  constructor({ rendermime, trans }: AnswerView.IOptions) {
    super();
    this.addClass('jp-runt-Answer');
    const sanitizer = new AnswerSanitizer(rendermime.sanitizer, trans);
    const safe = rendermime.clone({ sanitizer });
    this._words = new ToolWords(trans);
    this._create = () => safe.createRenderer(MARKDOWN);
    this.node.addEventListener('click', openLink);
    this.node.addEventListener('auxclick', openLink);
    this.node.addEventListener('keydown', openLink);
  }

  /**
   * Show these parts; what is shown already stays as it is.
   *
   * @param grows - Whether there is more to come: then text is drawn by blocks.
   * @param end - Why it ends there; null where it is whole.
   */
  draw(parts: readonly AnswerPart[], grows: boolean, end: IEnd | null): void {
    while (this.widgets.length > parts.length) {
      this.widgets[this.widgets.length - 1].dispose();
    }
    parts.forEach((part, index) => {
      if (part.type === 'tool') {
        this._part(index, ToolRow, () => new ToolRow(this._words)).write(part);
      } else {
        const text = this._part(index, Text, () => new Text(this._create));
        text.write(grows ? blocksOf(part.text) : [part.text]);
      }
    });
    if (end !== null) {
      const note = this._part(parts.length, Note, () => new Note());
      note.node.dataset.status = end.status;
      note.node.textContent = end.why;
    }
  }

  /**
   * Load what text is drawn with, so that the first word is drawn at once.
   */
  async prepare(): Promise<void> {
    const renderer = this._create();
    const data = { [MARKDOWN]: '.' };
    await renderer.renderModel(new MimeModel({ data, trusted: false }));
    renderer.dispose();
  }

  /**
   * A promise for when all text that was given is drawn.
   */
  get drawn(): Promise<unknown> {
    return Promise.all(
      this.widgets
        .filter(part => part instanceof Text)
        .map(({ drawn }) => drawn)
    );
  }

  private _part<T extends Widget>(
    index: number,
    type: abstract new (...args: never[]) => T,
    create: () => T
  ): T {
    const there = this.widgets[index] as Widget | undefined;
    if (there instanceof type) {
      return there;
    }
    there?.dispose();
    const made = create();
    this.insertWidget(index, made);
    return made;
  }

  private _words: ToolWords;
  private _create: () => IRenderMime.IRenderer;
}

/**
 * A namespace for AnswerView statics.
 */
export namespace AnswerView {
  /**
   * The options of a view.
   */
  export interface IOptions {
    /** What Markdown is drawn with. */
    rendermime: Pick<IRenderMimeRegistry, 'clone' | 'sanitizer'>;
    trans: TranslationBundle;
  }
}

/** Why an answer ends. */
class Note extends Widget {
  constructor() {
    super({ node: document.createElement('p') });
    this.addClass('jp-runt-Answer-end');
  }
}

/** Text in blocks, of which those that changed are drawn again. */
class Text extends Panel {
  constructor(private _create: () => IRenderMime.IRenderer) {
    super();
    this.addClass('jp-runt-Answer-text');
  }

  write(blocks: readonly string[]): void {
    while (this._blocks.length > blocks.length) {
      this._blocks.pop()!.widget.dispose();
    }
    blocks.forEach((source, index) => {
      let block = this._blocks[index] as Block | undefined;
      if (block === undefined) {
        block = new Block(this._create());
        this._blocks.push(block);
        this.addWidget(block.widget);
      }
      block.write(source);
    });
  }

  get drawn(): Promise<unknown> {
    return Promise.all(this._blocks.map(({ drawn }) => drawn));
  }

  private _blocks: Block[] = [];
}

/** Markdown that is drawn again once it is drawn, where it changed meanwhile. */
class Block {
  constructor(readonly widget: IRenderMime.IRenderer) {}

  drawn: Promise<void> = Promise.resolve();

  write(source: string): void {
    if (source === this._source) {
      return;
    }
    this._source = source;
    if (!this._isDrawing) {
      this.drawn = this._draw();
    }
  }

  private async _draw(): Promise<void> {
    this._isDrawing = true;
    let done: string | null = null;
    while (done !== this._source && !this.widget.isDisposed) {
      done = this._source;
      const data = { [MARKDOWN]: done ?? '' };
      await this.widget.renderModel(new MimeModel({ data, trusted: false }));
    }
    this._isDrawing = false;
  }

  private _source: string | null = null;
  private _isDrawing = false;
}
