import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

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
  optional: [ITranslator],
  activate: (app, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load('jupyter_runt');
    const { contents, serverSettings } = app.serviceManager;
    const opened = new NotebookRuntimes({
      client: new RuntClient({ serverSettings }),
      localPath: path => contents.localPath(path),
      onError: (path, { message }) => {
        Notification.error(trans.__('%1: %2', path, message), {
          autoClose: false
        });
      }
    });
    eachNotebook(app, panel => opened.open(panel.context));
    return opened;
  }
};
