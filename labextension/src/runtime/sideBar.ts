import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import { Panel, type Widget } from '@lumino/widgets';

import { runtimeIcon } from './icons';

/**
 * The place of the runtime in a side bar; it is loaded when it is first seen.
 */
export class RuntimeSideBar extends Panel {
  constructor(
    private _load: () => Promise<Widget>,
    trans: TranslationBundle
  ) {
    super();
    this.id = 'jupyter-runt-runtime';
    this.addClass('jp-runt-SideBar');
    this.title.icon = runtimeIcon;
    this.title.caption = trans.__('Notebook Runtime');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Notebook Runtime'));
  }

  /**
   * Resolves once its body is there.
   */
  get loaded(): Promise<unknown> {
    return this._body();
  }

  protected onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    void this._body();
  }

  protected onActivateRequest(): void {
    void this._body().then(body => body.activate());
  }

  private _body(): Promise<Widget> {
    this._loaded ??= this._load().then(body => {
      this.addWidget(body);
      return body;
    });
    return this._loaded;
  }

  private _loaded: Promise<Widget> | undefined;
}
