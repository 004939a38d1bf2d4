import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { INotebookModel, NotebookPanel } from '@jupyterlab/notebook';
import type { IDisposable } from '@lumino/disposable';

/**
 * Extend each notebook that is opened, until it is closed.
 *
 * The notebook tracker would do, but it asks for our cell executor itself.
 */
export function eachNotebook(
  app: JupyterFrontEnd,
  extend: (panel: NotebookPanel) => IDisposable | void
): void {
  const extension: DocumentRegistry.IWidgetExtension<
    NotebookPanel,
    INotebookModel
  > = { createNew: extend };
  app.docRegistry.addWidgetExtension('Notebook', extension);
}
