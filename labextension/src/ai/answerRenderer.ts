import type { IRenderMime, IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Panel } from '@lumino/widgets';

import { readAnswer } from '../model/answers';
import { ANSWER_MIME } from '../services/ai';
import { AnswerView } from './answerView';
import { endOf } from './turnWords';

/**
 * Draws the finished answers that AI cells keep in their outputs.
 *
 * Anybody can write one into a notebook: it offers nothing to press.
 */
export class AnswerRenderer extends Panel implements IRenderMime.IRenderer {
  constructor(private _options: AnswerView.IOptions) {
    super();
    this.addClass('jp-runt-AnswerOutput');
    this._view = new AnswerView(_options);
    this.addWidget(this._view);
  }

  /**
   * Draw what an output holds.
   */
  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const answer = readAnswer(model.data[ANSWER_MIME]);
    const text = model.data['text/markdown'] as string | undefined;
    this._view.draw(
      answer?.items ?? [{ type: 'text', text: text ?? '' }],
      false,
      answer && endOf(answer, this._options.trans)
    );
    await this._view.drawn;
  }

  private _view: AnswerView;
}

/**
 * Return what makes them.
 *
 * @param rendermime - What Markdown is drawn with.
 */
export function answerRendererFactory(
  rendermime: IRenderMimeRegistry,
  trans: TranslationBundle
): IRenderMime.IRendererFactory {
  return {
    safe: true,
    mimeTypes: [ANSWER_MIME],
    // Before Markdown, which is there for everybody else.
    defaultRank: 40,
    createRenderer: options =>
      new AnswerRenderer({
        rendermime: rendermime.clone({
          sanitizer: options.sanitizer,
          resolver: options.resolver ?? undefined,
          linkHandler: options.linkHandler ?? undefined,
          latexTypesetter: options.latexTypesetter ?? undefined,
          markdownParser: options.markdownParser ?? undefined
        }),
        trans
      })
  };
}
