import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IToolbarWidgetRegistry } from '@jupyterlab/apputils';
import {
  INotebookWidgetFactory,
  NotebookActions,
  type NotebookPanel,
  type NotebookWidgetFactory
} from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { CellTypeItem } from '../ai/cellTypeItem';
import { INotebookAIs } from '../tokens';

/**
 * Offers AI among the types of cells, in the toolbar of notebooks.
 */
export const cellTypes: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-runt:cell-types',
  description: 'Offers AI among the types of cells.',
  autoStart: true,
  // JupyterLab's own item is registered with the factory: ours comes in its place.
  requires: [INotebookWidgetFactory, IToolbarWidgetRegistry, INotebookAIs],
  optional: [ITranslator],
  activate: (
    _app,
    _factory: NotebookWidgetFactory.IFactory,
    toolbar: IToolbarWidgetRegistry,
    ais: INotebookAIs,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_runt');
    toolbar.addFactory<NotebookPanel>(
      'Notebook',
      'cellType',
      ({ content: notebook }) =>
        new CellTypeItem({
          notebook,
          trans,
          hasAI: () => ais.get(notebook)?.isWritable ?? false,
          changed: ais.changed,
          onChoose: type => {
            const ai = ais.get(notebook);
            if (ai !== undefined) {
              ais.attempt(ai.changeType(type));
            } else {
              NotebookActions.changeCellType(notebook, type);
            }
          }
        })
    );
  }
};
