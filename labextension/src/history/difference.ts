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
import { NotebookDiffModel } from 'nbdime/lib/diff/model';
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
    const { difference, editorServices, rendermime, translator } = options;
    if (difference.diff.length === 0) {
      const same = new Widget();
      same.addClass('jp-runt-note');
      const trans = translator.load('jupyter_runt');
      same.node.textContent = trans.__('Nothing differs.');
      this.addWidget(same);
      return;
    }
    const notebook = new NotebookDiffWidget({
      model: new NotebookDiffModel(
        difference.base,
        difference.diff as unknown as IDiffEntry[]
      ),
      rendermime,
      editorFactory: editorServices.factoryService.newInlineEditor,
      translator
    });
    this.addWidget(notebook);
    this.ready = notebook.init();
  }

  /**
   * All cells are shown.
   */
  readonly ready: Promise<void> = Promise.resolve();

  /**
   * Whether the cells are shown, too, in which nothing differs.
   */
  set showsUnchanged(value: boolean) {
    this.toggleClass('jp-mod-changesOnly', !value);
  }
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
  }
}
