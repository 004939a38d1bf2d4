import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

// eslint-disable-next-line jupyter/prefer-lazy-imports -- it must be there before an output is
import { ArtifactRenderer } from '../artifacts/renderer';
import { REFERENCE } from '../artifacts/reference';
import { ArtifactSource } from '../artifacts/source';
import { INotebookRuntimes } from '../tokens';
import { eachNotebook } from './eachNotebook';

/**
 * Before every other renderer: it shows the contents as those do.
 */
const RANK = -1;

/**
 * Shows outputs that are too large for the document.
 */
export const artifacts: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-runt:artifacts',
  description: 'Shows outputs that are too large for the document.',
  autoStart: true,
  requires: [INotebookRuntimes],
  optional: [ITranslator],
  activate: (
    app,
    runtimes: INotebookRuntimes,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_runt');
    const { serverSettings } = app.serviceManager;
    eachNotebook(app, ({ content, context }) => {
      const runtime = runtimes.get(context.model);
      if (!runtime) {
        return;
      }
      const source = new ArtifactSource(
        () => runtime.ask((_, notebookId) => Promise.resolve(notebookId)),
        serverSettings
      );
      const { rendermime } = content;
      rendermime.addFactory(
        {
          safe: true,
          mimeTypes: [REFERENCE],
          createRenderer: () =>
            new ArtifactRenderer({ rendermime, source, trans })
        },
        RANK
      );
    });
  }
};
