import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import type {
  DocumentRegistry,
  IDocumentWidget
} from '@jupyterlab/docregistry';

import { RuntClient, RuntError } from '../services/client';

/** What shows files as text: what is open as a notebook is not open as text too. */
const FACTORIES = ['Editor', 'JSON', 'Markdown Preview'];

/** How long a file may take to open before the server is asked why, in milliseconds. */
const PATIENCE_MS = 1000;

/**
 * Says why a file cannot be opened as text, where the stock provider waits.
 */
export const textFiles: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-runt:text-files',
  description: 'Says why a file cannot be opened as text.',
  autoStart: true,
  activate: app => {
    const { contents, serverSettings } = app.serviceManager;
    const client = new RuntClient({ serverSettings });
    const explain = async (context: DocumentRegistry.Context) => {
      if (context.isReady || context.isDisposed) {
        return;
      }
      try {
        await client.textRoom(contents.localPath(context.path));
      } catch (reason) {
        if (!(reason instanceof RuntError)) {
          throw reason;
        }
        Notification.error(reason.message, { autoClose: false });
        context.dispose();
      }
    };
    const extension: DocumentRegistry.IWidgetExtension<
      IDocumentWidget,
      DocumentRegistry.IModel
    > = {
      createNew: (panel, context) => {
        if (context.model.collaborative && !context.isReady) {
          context.disposed.connect(panel.dispose, panel);
          setTimeout(() => void explain(context), PATIENCE_MS);
        }
      }
    };
    for (const factory of FACTORIES) {
      app.docRegistry.addWidgetExtension(factory, extension);
    }
  }
};
