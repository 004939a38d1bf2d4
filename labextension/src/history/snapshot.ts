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
import { undoIcon } from '@jupyterlab/ui-components';

import { untrusted } from './untrusted';

/**
 * Shows a notebook as it was. It can not be edited, and runs no scripts.
 */
export class Snapshot extends StaticNotebook {
  constructor(options: Snapshot.IOptions) {
    const { panel, editorServices, translator, onRestore } = options;
    const trans = translator.load('jupyter_runt');
    super({
      rendermime: panel.content.rendermime.clone(),
      contentFactory: new SnapshotFactory({
        editorFactory: editorServices.factoryService.newInlineEditor,
        label: trans.__('Restore this cell'),
        onRestore
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
     * Make a cell what it was; null for those who may not.
     */
    onRestore: ((cellId: string) => void) | null;
  }
}

interface IRestoreOptions {
  label: string;
  onRestore: Snapshot.IOptions['onRestore'];
}

class SnapshotFactory extends Notebook.ContentFactory {
  constructor(options: Cell.ContentFactory.IOptions & IRestoreOptions) {
    super(options);
    this._restore = options;
  }

  createCellHeader(): CellHeader {
    return new RestoreHeader(this._restore);
  }

  private _restore: IRestoreOptions;
}

/** Learns whose header it is where it is put. */
class RestoreHeader extends CellHeader {
  constructor({ label, onRestore }: IRestoreOptions) {
    super();
    if (onRestore === null) {
      return;
    }
    const button = document.createElement('button');
    button.className = 'jp-runt-restoreCell jp-Button jp-mod-minimal';
    button.append(
      undoIcon.element({ tag: 'span', elementSize: 'small' }),
      label
    );
    button.addEventListener('click', () => {
      let owner = this.parent;
      while (owner !== null && !(owner instanceof Cell)) {
        owner = owner.parent;
      }
      if (owner !== null) {
        onRestore((owner as Cell).model.id);
      }
    });
    this.node.append(button);
  }
}
