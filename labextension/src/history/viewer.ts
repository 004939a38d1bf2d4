import type { JupyterFrontEnd } from '@jupyterlab/application';
import { MessageLoop } from '@lumino/messaging';

import type { IVersion } from '../services/history';
import type { NotebookHistory } from './notebookHistory';
import { type Moment, VersionView } from './versionView';

/**
 * Shows versions of a notebook in one tab beside it.
 */
export class Viewer {
  constructor(
    private _shell: JupyterFrontEnd.IShell,
    private _create: (history: NotebookHistory) => VersionView
  ) {}

  /**
   * Show a version of a notebook.
   */
  async show(history: NotebookHistory, version: IVersion): Promise<void> {
    await this._open(history).showVersion(version);
  }

  /**
   * Show what differs between an older and a newer moment of a notebook.
   */
  async compare(
    history: NotebookHistory,
    from: IVersion,
    to: Moment
  ): Promise<void> {
    await this._open(history).compare(from, to);
  }

  private _open(history: NotebookHistory): VersionView {
    const { panel } = history;
    let view = this._views.get(history);
    if (view === undefined || view.isDisposed) {
      view = this._create(history);
      view.id = `jupyter-runt-version-${panel.id}`;
      this._views.set(history, view);
      this._shell.add(view, 'main', {
        ref: panel.id,
        mode: 'tab-after',
        activate: false
      });
      panel.disposed.connect(view.dispose, view);
    }
    if (!view.isVisible) {
      this._shell.activateById(view.id);
      // The focus goes there at once, so that whoever asked can take it back.
      MessageLoop.flush();
    }
    return view;
  }

  private _views = new WeakMap<NotebookHistory, VersionView>();
}
