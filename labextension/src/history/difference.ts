import 'nbdime/lib/common/collapsible.css';
import 'nbdime/lib/styles/common.css';
import 'nbdime/lib/styles/diff.css';
import 'nbdime/lib/styles/variables.css';
import 'nbdime/lib/upstreaming/flexpanel.css';

import type { IEditorServices } from '@jupyterlab/codeeditor';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { ITranslator } from '@jupyterlab/translation';
import { Panel, Widget } from '@lumino/widgets';
import type { IDiffEntry } from 'nbdime/lib/diff/diffentries';
import { type CellDiffModel, NotebookDiffModel } from 'nbdime/lib/diff/model';
import { CellDiffWidget } from 'nbdime/lib/diff/widget/cell';
import { NotebookDiffWidget } from 'nbdime/lib/diff/widget';

import type { IDifference } from '../services/history';

/**
 * Shows what differs between two moments of a notebook.
 */
export class Difference extends Panel {
  constructor(options: Difference.IOptions) {
    super();
    this.addClass('nbdime-root');
    this.addClass('jp-runt-Difference');
    this.node.tabIndex = -1;
    this._options = options;
  }

  /**
   * Show the cells in which something differs, or all of them.
   *
   * Those that are left out cost nothing: each has an editor of its own.
   */
  async draw(unchanged: boolean): Promise<void> {
    const { difference, editorServices, rendermime, translator } =
      this._options;
    const model = new NotebookDiffModel(
      difference.base,
      difference.diff as unknown as IDiffEntry[]
    );
    if (!unchanged) {
      model.chunkedCells = model.chunkedCells.filter(
        chunk => !chunk.every(differsNot)
      );
    }
    for (const old of [...this.widgets]) {
      old.dispose();
    }
    if (difference.diff.length === 0) {
      this.addWidget(this._sayNothingDiffers());
    }
    const notebook = new NotebookDiffWidget({
      model,
      rendermime,
      editorFactory: editorServices.factoryService.newInlineEditor,
      translator
    });
    this.addWidget(notebook);
    await notebook.init().catch((reason: unknown) => {
      // It goes on adding cells after it was replaced.
      if (!notebook.isDisposed) {
        throw reason;
      }
    });
    this._describe(notebook);
  }

  /** Says above each cell that differs who changed it. */
  private _describe(panel: Panel): void {
    for (const widget of panel.widgets) {
      if (widget instanceof CellDiffWidget) {
        const { cellId } = widget.model;
        const id = cellId?.remote ?? cellId?.base;
        const line = differsNot(widget.model)
          ? null
          : this._options.describe(String(id));
        if (line !== null) {
          widget.insertWidget(0, new Widget({ node: line }));
        }
      } else if (widget instanceof Panel) {
        this._describe(widget);
      }
    }
  }

  private _sayNothingDiffers(): Widget {
    const trans = this._options.translator.load('jupyter_runt');
    const note = new Widget();
    note.addClass('jp-runt-note');
    note.node.textContent = trans.__('Nothing differs.');
    return note;
  }

  private _options: Difference.IOptions;
}

function differsNot({ added, deleted, unchanged }: CellDiffModel): boolean {
  return unchanged && !added && !deleted;
}

/**
 * A namespace for Difference statics.
 */
export namespace Difference {
  /**
   * The options of a difference.
   */
  export interface IOptions {
    difference: IDifference;
    editorServices: IEditorServices;
    rendermime: IRenderMimeRegistry;
    translator: ITranslator;

    /**
     * Say who changed a cell, if that is known.
     */
    describe: (cellId: string) => HTMLElement | null;
  }
}
