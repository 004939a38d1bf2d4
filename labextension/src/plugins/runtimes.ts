import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import {
  ITranslator,
  type TranslationBundle,
  nullTranslator
} from '@jupyterlab/translation';

// eslint-disable-next-line jupyter/prefer-lazy-imports -- restored notebooks need it at once
import { NotebookRuntimes } from '../model/notebookRuntimes';
import { RuntClient } from '../services/client';
import { notebookElsewhere } from '../services/elsewhere';
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
      onError: (context, reason) => {
        const { path } = context;
        const there = reason.detail['url'];
        if (reason.code === 'lease_held' && typeof there === 'string') {
          const here = serverSettings.baseUrl;
          const local = contents.localPath(path);
          tellElsewhere(path, notebookElsewhere(there, here, local), trans);
        } else {
          const { message } = reason;
          Notification.error(
            message.includes(path)
              ? message
              : trans.__('%1: %2', path, message),
            { autoClose: false }
          );
        }
        if (!context.isReady) {
          // Before the stock provider says that there was an error, not which.
          context.dispose();
        }
      }
    });
    eachNotebook(app, panel => {
      panel.context.disposed.connect(panel.dispose, panel);
      opened.open(panel.context);
    });
    return opened;
  }
};

function tellElsewhere(
  path: string,
  address: string,
  trans: TranslationBundle
): void {
  Notification.warning(
    trans.__(
      '%1 is open on another Jupyter server of yours: %2',
      path,
      new URL(address).host
    ),
    {
      autoClose: false,
      actions: [
        {
          label: trans.__('Open It There'),
          displayType: 'accent',
          callback: () => void window.open(address, '_blank', 'noopener')
        }
      ]
    }
  );
}
