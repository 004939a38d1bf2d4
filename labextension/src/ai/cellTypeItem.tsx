import type { Cell } from '@jupyterlab/cells';
import type { Notebook } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { HTMLSelect, ReactWidget } from '@jupyterlab/ui-components';
import type { ISignal } from '@lumino/signaling';
import * as React from 'react';

import { typeOf } from '../model/cellType';
import type { CellType } from './actions';

/** What stands for several types. */
const MIXED = '-';

/**
 * Shows in the toolbar which type the selected cells have, and changes it.
 *
 * JupyterLab's own item, which it replaces, knows only the types of nbformat.
 */
export class CellTypeItem extends ReactWidget {
  constructor(private _options: CellTypeItem.IOptions) {
    super();
    this.addClass('jp-Notebook-toolbarCellType');
    const { changed, notebook } = _options;
    changed.connect(() => this.update(), this);
    notebook.activeCellChanged.connect(this._follow, this);
    notebook.selectionChanged.connect(() => this.update(), this);
    this._follow(notebook, notebook.activeCell);
  }

  protected render(): React.ReactElement {
    const { notebook, trans } = this._options;
    const types = new Set(
      notebook.widgets
        .filter(cell => notebook.isSelectedOrActive(cell))
        .map(({ model }) => typeOf(model))
    );
    const [type = MIXED] = types;
    return (
      <HTMLSelect
        className="jp-Notebook-toolbarCellTypeDropdown"
        value={types.size > 1 ? MIXED : type}
        aria-label={trans.__('Cell type')}
        title={trans.__('Select the cell type')}
        onChange={event => this._choose(event.target.value)}
        onKeyDown={event => {
          if (event.key === 'Enter') {
            notebook.activate();
          }
        }}
      >
        <option value={MIXED}>-</option>
        <option value="code">{trans.__('Code')}</option>
        {(this._options.hasAI() || type === 'ai') && (
          <option value="ai">{trans.__('AI')}</option>
        )}
        <option value="markdown">{trans.__('Markdown')}</option>
        <option value="raw">{trans.__('Raw')}</option>
      </HTMLSelect>
    );
  }

  private _choose(type: string): void {
    if (type !== MIXED) {
      this._options.onChoose(type as CellType);
      this._options.notebook.activate();
    }
  }

  private _follow(_: Notebook, cell: Cell | null): void {
    this._active?.model?.metadataChanged.disconnect(this.update, this);
    this._active = cell;
    cell?.model.metadataChanged.connect(this.update, this);
    this.update();
  }

  private _active: Cell | null = null;
}

/**
 * A namespace for CellTypeItem statics.
 */
export namespace CellTypeItem {
  /**
   * The options of an item.
   */
  export interface IOptions {
    notebook: Notebook;
    trans: TranslationBundle;

    /**
     * Return whether the person can have the notebook's cells ask an AI.
     */
    hasAI: () => boolean;

    /**
     * That may be otherwise now.
     */
    changed: ISignal<unknown, void>;

    /**
     * The selected cells are to be of this type.
     */
    onChoose: (type: CellType) => void;
  }
}
