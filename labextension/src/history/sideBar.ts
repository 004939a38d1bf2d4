import type { TranslationBundle } from '@jupyterlab/translation';
import { historyIcon } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import { Panel, type Widget } from '@lumino/widgets';

/**
 * A history that shows a version where it is asked to.
 */
export interface IHistoryBody extends Widget {
  reveal(seq: number): Promise<void>;
  showCellAuthors(cellId: string): Promise<void>;
}

/**
 * The place of the history in a side bar; it is loaded when it is first seen.
 */
export class HistorySideBar extends Panel {
  constructor(
    private _load: () => Promise<IHistoryBody>,
    trans: TranslationBundle
  ) {
    super();
    this.id = 'jupyter-runt-history';
    this.addClass('jp-runt-SideBar');
    this.title.icon = historyIcon;
    this.title.caption = trans.__('History');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('History'));
  }

  /**
   * Show a version of the current notebook.
   */
  async reveal(seq: number): Promise<void> {
    await (await this._body()).reveal(seq);
  }

  /**
   * Tell who wrote a cell of the current notebook.
   */
  async showCellAuthors(cellId: string): Promise<void> {
    await (await this._body()).showCellAuthors(cellId);
  }

  protected onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    void this._body();
  }

  protected onActivateRequest(): void {
    void this._body().then(body => body.activate());
  }

  private _body(): Promise<IHistoryBody> {
    this._loaded ??= this._load().then(body => {
      this.addWidget(body);
      return body;
    });
    return this._loaded;
  }

  private _loaded: Promise<IHistoryBody> | undefined;
}
