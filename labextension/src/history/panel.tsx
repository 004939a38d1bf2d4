import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import * as React from 'react';

import type { IVersion } from '../services/history';
import { keyOf } from './days';
import type { NotebookHistory } from './notebookHistory';
import { reasonOf } from '../services/reasons';
import { choose, type ISelection, NOTHING, within } from './selection';
import type { Times } from '../model/times';
import { focusOn, VersionList } from './versionList';
import type { Moment } from './versionView';

/** How often "5 minutes ago" is looked at again. */
const MINUTE_MS = 60_000;

/**
 * The history of the current notebook, for the side bar.
 */
export class HistoryPanel extends ReactWidget {
  constructor(options: HistoryPanel.IOptions) {
    super();
    this._options = options;
    this.addClass('jp-runt-Panel');
    this.node.tabIndex = -1;
  }

  /**
   * The notebook whose history is shown.
   */
  get history(): NotebookHistory | null {
    return this._history;
  }
  set history(history: NotebookHistory | null) {
    if (history === this._history) {
      return;
    }
    this._history?.model.changed.disconnect(this._onChanged, this);
    this._history?.namesChanged.disconnect(this._onChanged, this);
    this._unwatch();
    this._history = history;
    this._selection = NOTHING;
    history?.model.changed.connect(this._onChanged, this);
    history?.namesChanged.connect(this._onChanged, this);
    this._watch();
    this.update();
  }

  /**
   * Choose a version of the notebook, and show it.
   */
  async reveal(seq: number): Promise<void> {
    const history = this._history;
    await history?.model.refresh();
    const version = history?.model.versions.find(each => each.seq === seq);
    if (version !== undefined && history === this._history) {
      this._onSelect(choose(keyOf(version)), true);
    }
  }

  /**
   * Tell who wrote a cell of the notebook.
   */
  async showCellAuthors(cellId: string): Promise<void> {
    if (this._history !== null) {
      await this._options.onAuthors(this._history, cellId);
    }
  }

  /**
   * Show no history any more.
   */
  dispose(): void {
    this.history = null;
    document.removeEventListener('visibilitychange', this._watch);
    super.dispose();
  }

  protected render(): React.ReactElement {
    const { trans } = this._options;
    const history = this._history;
    if (history === null) {
      return (
        <p className="jp-runt-note">
          {trans.__('Open a shared notebook to see its history.')}
        </p>
      );
    }
    return (
      <>
        <header className="jp-runt-name" title={history.panel.context.path}>
          {history.name}
        </header>
        {this._renderActions(history)}
        {this._renderVersions(history)}
      </>
    );
  }

  protected onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    document.addEventListener('visibilitychange', this._watch);
    this._watch();
  }

  protected onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this._watch();
    this.update();
  }

  protected onBeforeHide(msg: Message): void {
    super.onBeforeHide(msg);
    this._unwatch();
  }

  protected onBeforeDetach(msg: Message): void {
    document.removeEventListener('visibilitychange', this._watch);
    this._unwatch();
    super.onBeforeDetach(msg);
  }

  protected onActivateRequest(): void {
    this._wantsFocus = true;
    this._focus();
  }

  protected onUpdateRequest(msg: Message): void {
    super.onUpdateRequest(msg);
    void this.renderPromise?.then(() => this._focus());
  }

  private _renderVersions(history: NotebookHistory): React.ReactElement {
    const { times, trans } = this._options;
    const { model } = history;
    return (
      <div className="jp-runt-versions">
        {model.error && (
          <p className="jp-runt-note" role="alert">
            {trans.__(
              'The history cannot be read: %1',
              reasonOf(model.error, trans)
            )}{' '}
            <button
              className="jp-Button jp-mod-styled"
              onClick={() => void model.refresh()}
            >
              {trans.__('Try again')}
            </button>
          </p>
        )}
        {!model.isReady && !model.error && (
          <p className="jp-runt-note">{trans.__('Reading the history …')}</p>
        )}
        {model.isReady && model.versions.length === 0 && !model.hasEarlier && (
          <p className="jp-runt-note">{trans.__('Nothing has changed yet.')}</p>
        )}
        <VersionList
          label={trans.__('Versions of %1', history.name)}
          versions={model.versions}
          selection={this._selection}
          current={() => this._selection}
          authors={history.authors}
          cellNames={history.cellNames()}
          now={new Date()}
          times={times}
          onSelect={(selection, open) => this._onSelect(selection, open)}
          onFocus={key => this._onFocus(key)}
        />
        {model.hasEarlier && (
          <button
            className="jp-runt-earlier jp-Button jp-mod-styled"
            disabled={model.reading === 'earlier'}
            onClick={() => void model.showEarlier()}
          >
            {trans.__('Show earlier')}
          </button>
        )}
      </div>
    );
  }

  private _renderActions(history: NotebookHistory): React.ReactElement {
    const { trans } = this._options;
    const chosen = this._chosen(history);
    return (
      <div className="jp-runt-actions">
        {chosen.length === 2 && (
          <button
            className="jp-Button jp-mod-styled jp-mod-accept"
            onClick={() => void this._open(history)}
          >
            {trans.__('Compare the two')}
          </button>
        )}
        {chosen.length === 1 && (
          <button
            className="jp-Button jp-mod-styled"
            onClick={() => void this._compare(history, chosen[0], 'now')}
          >
            {trans.__('Compare with now')}
          </button>
        )}
        {chosen.length < 2 && (
          <span className="jp-runt-hint">
            {trans.__('Ctrl or Shift and a click choose a second version.')}
          </span>
        )}
      </div>
    );
  }

  private _onChanged(): void {
    const keys = this._history?.model.versions.map(keyOf) ?? [];
    this._selection = within(this._selection, keys);
    if (this.isVisible) {
      this.update();
    }
  }

  private _onSelect(selection: ISelection, open: boolean): void {
    this._selection = selection;
    this.update();
    if (open && this._history !== null) {
      void this._open(this._history);
    }
  }

  private _onFocus(active: string): void {
    if (this._selection.active !== active) {
      this._selection = { ...this._selection, active };
      this.update();
    }
  }

  /** Shows what is chosen: a version, or what differs between two. */
  private async _open(history: NotebookHistory): Promise<void> {
    const [newer, older] = this._chosen(history);
    if (older !== undefined) {
      await this._compare(history, older, newer);
    } else if (newer !== undefined) {
      const shown = this._options.onShow(history, newer);
      this._takeFocusBack();
      await shown;
    }
  }

  private async _compare(
    history: NotebookHistory,
    from: IVersion,
    to: Moment
  ): Promise<void> {
    const shown = this._options.onCompare(history, from, to);
    this._takeFocusBack();
    await shown;
  }

  /** The chosen versions, newest first. */
  private _chosen(history: NotebookHistory): IVersion[] {
    const { chosen } = this._selection;
    return history.model.versions.filter(each => chosen.includes(keyOf(each)));
  }

  /** Whoever goes through versions stays in the list. */
  private _takeFocusBack(): void {
    focusOn(this.node, this._selection.active);
  }

  private _focus(): void {
    const isReady = this._history === null || this._history.model.isReady;
    if (this._wantsFocus && isReady && this.isVisible) {
      this._wantsFocus = false;
      this.node.focus();
      focusOn(this.node, this._selection.active);
    }
  }

  private _watch = (): void => {
    const watched = this.isVisible && !document.hidden;
    if (this._history !== null) {
      this._history.model.watched = watched;
    }
    clearInterval(this._clock);
    if (watched) {
      this._clock = setInterval(() => this.update(), MINUTE_MS);
    }
  };

  private _unwatch(): void {
    clearInterval(this._clock);
    if (this._history !== null && !this._history.isDisposed) {
      this._history.model.watched = false;
    }
  }

  private _options: HistoryPanel.IOptions;
  private _history: NotebookHistory | null = null;
  private _selection: ISelection = NOTHING;
  private _wantsFocus = false;
  private _clock: ReturnType<typeof setInterval> | undefined;
}

/**
 * A namespace for HistoryPanel statics.
 */
export namespace HistoryPanel {
  /**
   * The options of a history panel.
   */
  export interface IOptions {
    times: Times;
    trans: TranslationBundle;

    /**
     * Show a version.
     */
    onShow: (history: NotebookHistory, version: IVersion) => Promise<void>;

    /**
     * Show what differs between an older and a newer moment.
     */
    onCompare: (
      history: NotebookHistory,
      from: IVersion,
      to: Moment
    ) => Promise<void>;

    /**
     * Tell who wrote a cell.
     */
    onAuthors: (history: NotebookHistory, cellId: string) => Promise<void>;
  }
}
