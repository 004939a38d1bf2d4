import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { awaitWidgets } from '../cells/widgetViews';
import { INotebookRuntimes } from '../tokens';
import { eachNotebook } from './eachNotebook';

/**
 * Shows widgets that a page hears of late.
 */
export const widgets: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-runt:widgets',
  description: 'Shows widgets that a page hears of late.',
  autoStart: true,
  requires: [INotebookRuntimes],
  activate: (app, runtimes: INotebookRuntimes) => {
    eachNotebook(app, ({ content, context }) => {
      if (runtimes.get(context.model)) {
        awaitWidgets(content.rendermime, context.sessionContext);
      }
    });
  }
};
