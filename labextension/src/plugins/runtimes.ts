import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

// eslint-disable-next-line jupyter/prefer-lazy-imports -- restored notebooks need it at once
import { NotebookRuntimes } from '../model/notebookRuntimes';
import { RuntClient } from '../services/client';
import { INotebookRuntimes } from '../tokens';
import { eachNotebook } from './eachNotebook';

/**
 * Follows what the server does for each open notebook.
 */
export const runtimes: JupyterFrontEndPlugin<INotebookRuntimes> = {
  id: 'jupyter-runt:runtimes',
  description: 'Follows what the server does for each open notebook.',
  autoStart: true,
  provides: INotebookRuntimes,
  activate: app => {
    const { contents, serverSettings } = app.serviceManager;
    const opened = new NotebookRuntimes({
      client: new RuntClient({ serverSettings }),
      localPath: path => contents.localPath(path)
    });
    eachNotebook(app, panel => opened.open(panel.context));
    return opened;
  }
};
