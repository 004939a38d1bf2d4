import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { IEditorServices } from '@jupyterlab/codeeditor';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { ITranslator } from '@jupyterlab/translation';

import type { INotebookRuntimes } from '../tokens';
import { CellAuthors } from './cellAuthors';
import { NotebookHistory } from './notebookHistory';
import { HistoryPanel } from './panel';
import { Restorer } from './restorer';
import { Times } from '../model/times';
import { VersionView } from './versionView';
import { Viewer } from './viewer';

/**
 * What the history is made from.
 */
export interface IHistoryParts {
  app: JupyterFrontEnd;
  runtimes: INotebookRuntimes;
  tracker: INotebookTracker;
  editorServices: IEditorServices;
  translator: ITranslator;
}

/**
 * Create the panel that follows the current notebook.
 */
export function createHistoryPanel(parts: IHistoryParts): HistoryPanel {
  const { app, editorServices, runtimes, tracker, translator } = parts;
  const trans = translator.load('jupyter_runt');
  const times = new Times(translator.languageCode);
  const restorer = new Restorer(times, trans);
  const cellAuthors = new CellAuthors(times, trans);
  const viewer = new Viewer(
    app.shell,
    history =>
      new VersionView({
        history,
        restorer,
        cellAuthors,
        editorServices,
        times,
        translator
      })
  );
  const panel = new HistoryPanel({
    times,
    trans,
    onShow: (history, version) => viewer.show(history, version),
    onCompare: (history, from, to) => viewer.compare(history, from, to),
    onAuthors: (history, cellId) => cellAuthors.show(history, null, cellId)
  });
  const histories = new WeakMap<NotebookPanel, NotebookHistory>();
  const follow = () => {
    const notebook = tracker.currentWidget;
    const show = () => {
      if (notebook === tracker.currentWidget && !panel.isDisposed) {
        panel.history =
          notebook && historyOf(notebook, { histories, runtimes, trans });
      }
    };
    show();
    // It is current before the server's side of it is known.
    void notebook?.context.ready.then(show);
  };
  tracker.currentChanged.connect(follow);
  panel.disposed.connect(() => tracker.currentChanged.disconnect(follow));
  follow();
  return panel;
}

interface IKnown {
  histories: WeakMap<NotebookPanel, NotebookHistory>;
  runtimes: INotebookRuntimes;
  trans: NotebookHistory.IOptions['trans'];
}

/** Returns the history of a notebook that has one: it must be shared. */
function historyOf(
  panel: NotebookPanel,
  known: IKnown
): NotebookHistory | null {
  const { histories, runtimes, trans } = known;
  const runtime = runtimes.get(panel.context.model);
  let history = histories.get(panel) ?? null;
  if (history === null && runtime !== undefined) {
    history = new NotebookHistory({ panel, runtime, trans });
    histories.set(panel, history);
    panel.disposed.connect(history.dispose, history);
  }
  return history;
}
