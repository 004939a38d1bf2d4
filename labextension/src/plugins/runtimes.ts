import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';

// eslint-disable-next-line jupyter/prefer-lazy-imports -- restored notebooks need it at once
import { NotebookRuntimes } from '../model/notebookRuntimes';
import { RuntClient } from '../services/client';
import { INotebookRuntimes } from '../tokens';

/**
 * Follows what the server does for each open notebook.
 */
export const runtimes: JupyterFrontEndPlugin<INotebookRuntimes> = {
  id: 'jupyter-runt:runtimes',
  description: 'Follows what the server does for each open notebook.',
  autoStart: true,
  provides: INotebookRuntimes,
  requires: [INotebookTracker],
  activate: (app, tracker: INotebookTracker) => {
    const { contents, serverSettings } = app.serviceManager;
    const opened = new NotebookRuntimes({
      client: new RuntClient({ serverSettings }),
      localPath: path => contents.localPath(path)
    });
    tracker.widgetAdded.connect((_, panel) => opened.open(panel.context));
    return opened;
  }
};
