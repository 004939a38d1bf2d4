import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IEditorServices } from '@jupyterlab/codeeditor';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { MessageLoop } from '@lumino/messaging';

import { HistorySideBar, type IHistoryBody } from '../history/sideBar';
import { INotebookRuntimes } from '../tokens';

const SHOW = 'runt:show-history';
const SHOW_AUTHORS = 'runt:show-cell-authors';

/**
 * Shows the history of the current notebook.
 */
export const history: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-runt:history',
  description: 'Shows the history of the current notebook.',
  autoStart: true,
  requires: [INotebookRuntimes, INotebookTracker, IEditorServices],
  optional: [ITranslator, ICommandPalette, ILayoutRestorer],
  activate: (
    app,
    runtimes: INotebookRuntimes,
    tracker: INotebookTracker,
    editorServices: IEditorServices,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ) => {
    translator = translator ?? nullTranslator;
    const trans = translator.load('jupyter_runt');
    const parts = { app, runtimes, tracker, editorServices, translator };
    const sideBar = new HistorySideBar(() => load(parts), trans);
    app.shell.add(sideBar, 'right', { rank: 900, type: 'History' });
    restorer?.add(sideBar, 'jupyter-runt-history');
    app.commands.addCommand(SHOW, {
      label: trans.__('History'),
      caption: trans.__('Show the history of the current notebook'),
      describedBy: {
        args: {
          type: 'object',
          properties: {
            seq: {
              type: 'number',
              description: trans.__('The number of a version to show, too')
            }
          }
        }
      },
      execute: async ({ seq }) => {
        app.shell.activateById(sideBar.id);
        if (typeof seq === 'number') {
          // A notebook that was activated before is the current one then.
          MessageLoop.flush();
          await sideBar.reveal(seq);
        }
      }
    });
    const isShared = () => {
      const notebook = tracker.currentWidget;
      return (
        tracker.activeCell !== null &&
        notebook !== null &&
        runtimes.get(notebook.context.model) !== undefined
      );
    };
    app.commands.addCommand(SHOW_AUTHORS, {
      label: trans.__('Who Wrote This Cell'),
      caption: trans.__('Show who wrote which lines of the cell, and when'),
      describedBy: { args: { type: 'object', properties: {} } },
      isEnabled: isShared,
      execute: async () => {
        const cell = tracker.activeCell;
        if (cell !== null) {
          await sideBar.showCellAuthors(cell.model.id);
        }
      }
    });
    for (const command of [SHOW, SHOW_AUTHORS]) {
      palette?.addItem({
        command,
        category: trans.__('Notebook Operations')
      });
    }
  }
};

interface IParts {
  app: JupyterFrontEnd;
  runtimes: INotebookRuntimes;
  tracker: INotebookTracker;
  editorServices: IEditorServices;
  translator: ITranslator;
}

async function load(parts: IParts): Promise<IHistoryBody> {
  const { createHistoryPanel } = await import('../history/create');
  return createHistoryPanel(parts);
}
