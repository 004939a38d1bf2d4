import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

// eslint-disable-next-line jupyter/prefer-lazy-imports -- it must be there before an output is
import { answerRendererFactory } from '../ai/answerRenderer';

/**
 * Draws the answers of AI cells in their outputs.
 */
export const aiAnswers: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-runt:ai-answers',
  description: 'Draws the answers of AI cells in their outputs.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [ITranslator],
  activate: (
    _app,
    rendermime: IRenderMimeRegistry,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_runt');
    rendermime.addFactory(answerRendererFactory(rendermime, trans));
  }
};
