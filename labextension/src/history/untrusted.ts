import type { INotebookContent } from '@jupyterlab/nbformat';

/**
 * Return a notebook whose outputs run no scripts, whatever it says of itself.
 *
 * @param metadata - What it has where it says nothing else.
 */
export function untrusted(
  content: INotebookContent,
  metadata: INotebookContent['metadata'] = {}
): INotebookContent {
  const cells = content.cells.map(cell => ({
    ...cell,
    metadata: { ...cell.metadata, trusted: false }
  }));
  return { ...content, cells, metadata: { ...metadata, ...content.metadata } };
}
