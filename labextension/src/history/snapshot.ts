import { Cell, CellHeader } from '@jupyterlab/cells';
import type { IEditorServices } from '@jupyterlab/codeeditor';
import type { INotebookContent } from '@jupyterlab/nbformat';
import {
  Notebook,
  NotebookModel,
  type NotebookPanel,
  StaticNotebook
} from '@jupyterlab/notebook';
import type { ITranslator } from '@jupyterlab/translation';
import { type LabIcon, undoIcon, usersIcon } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';

import { untrusted } from './untrusted';

/**
 * Shows a notebook as it was. It can not be edited, and runs no scripts.
 */
export class Snapshot extends StaticNotebook {
  constructor(options: Snapshot.IOptions) {
    const { panel, editorServices, translator } = options;
    const trans = translator.load('jupyter_runt');
    super({
      rendermime: panel.content.rendermime.clone(),
      contentFactory: new SnapshotFactory({
        editorFactory: editorServices.factoryService.newInlineEditor,
        describe: cellId => options.describe(cellId),
        actions: [
          {
            label: trans.__('Who wrote this'),
            icon: usersIcon,
            onClick: options.onAuthors
          },
          {
            label: trans.__('Restore this cell'),
            icon: undoIcon,
            onClick: options.onRestore
          }
        ]
      }),
      mimeTypeService: editorServices.mimeTypeService,
      editorConfig: panel.content.editorConfig,
      notebookConfig: panel.content.notebookConfig,
      translator
    });
    this.addClass('jp-runt-Snapshot');
    this.node.tabIndex = -1;
    // The commands of kernels, and undoing, are for the notebook as it is.
    for (const role of Object.keys(this.node.dataset)) {
      delete this.node.dataset[role];
    }
    const model = new NotebookModel({ translator });
    const { language_info } = panel.context.model.metadata;
    model.fromJSON(untrusted(options.content, { language_info }));
    this.model = model;
    for (const cell of this.widgets) {
      cell.readOnly = true;
      cell.toggleClass('jp-runt-touched', options.touched.has(cell.model.id));
    }
  }

  /**
   * Show the first of the cells that the version touched.
   */
  async reveal(): Promise<void> {
    const index = this.widgets.findIndex(cell =>
      cell.hasClass('jp-runt-touched')
    );
    if (index > 0) {
      await this.scrollToItem(index, 'auto');
    }
  }

  /**
   * Let go of the notebook.
   */
  dispose(): void {
    const { model } = this;
    super.dispose();
    model?.dispose();
  }
}

/**
 * A namespace for Snapshot statics.
 */
export namespace Snapshot {
  /**
   * The options of a snapshot.
   */
  export interface IOptions {
    content: INotebookContent;
    /** The cells that the version touched. */
    touched: ReadonlySet<string>;
    /** The notebook as it is: what it looks like holds for the past, too. */
    panel: NotebookPanel;
    editorServices: IEditorServices;
    translator: ITranslator;

    /**
     * Say what happened to a cell, if anything did.
     */
    describe: (cellId: string) => HTMLElement | null;

    /**
     * Tell who wrote a cell; null where nobody knows.
     */
    onAuthors: OnCell | null;

    /**
     * Make a cell what it was; null for those who may not.
     */
    onRestore: OnCell | null;
  }
}

type OnCell = (cellId: string) => void;

interface IHeaderOptions {
  describe: Snapshot.IOptions['describe'];
  actions: { label: string; icon: LabIcon; onClick: OnCell | null }[];
}

class SnapshotFactory extends Notebook.ContentFactory {
  constructor(options: Cell.ContentFactory.IOptions & IHeaderOptions) {
    super(options);
    this._header = options;
  }

  createCellHeader(): CellHeader {
    return new SnapshotHeader(this._header);
  }

  private _header: IHeaderOptions;
}

/** Learns whose header it is where it is put. */
class SnapshotHeader extends CellHeader {
  constructor(private _options: IHeaderOptions) {
    super();
    const bar = document.createElement('div');
    bar.className = 'jp-runt-cellActions';
    for (const { label, icon, onClick } of _options.actions) {
      if (onClick !== null) {
        bar.append(this._button(label, icon, onClick));
      }
    }
    this.node.append(bar);
  }

  protected onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    const cellId = this._cellId();
    if (this._description === undefined && cellId !== null) {
      this._description = this._options.describe(cellId);
      this.node.prepend(this._description ?? '');
    }
  }

  private _button(label: string, icon: LabIcon, onClick: OnCell): HTMLElement {
    const button = document.createElement('button');
    button.className = 'jp-Button jp-mod-minimal';
    button.append(icon.element({ tag: 'span', elementSize: 'small' }), label);
    button.addEventListener('click', () => {
      const cellId = this._cellId();
      if (cellId !== null) {
        onClick(cellId);
      }
    });
    return button;
  }

  private _cellId(): string | null {
    let owner = this.parent;
    while (owner !== null && !(owner instanceof Cell)) {
      owner = owner.parent;
    }
    return owner === null ? null : (owner as Cell).model.id;
  }

  private _description: HTMLElement | null | undefined;
}
