import type { ISharedCell } from '@jupyter/ydoc';
import type { ICellModel } from '@jupyterlab/cells';

/**
 * What a cell's, or a notebook's, metadata says for us.
 */
export interface IRuntMetadata {
  type?: string;
  /** Which model is asked, as `provider/model`. */
  model?: string;
  /** What the notebook tells each model. */
  instructions?: string;
  /** The AI is not shown the cell. */
  context_hidden?: boolean;
  /** The finished turns of an AI cell, the newest last. */
  turns?: unknown[];
}

type Shared = Pick<ISharedCell, 'cell_type' | 'getMetadata'>;

/**
 * Return what metadata says for us, whatever it holds.
 */
export function runtMetadata(
  holder: Pick<ISharedCell, 'getMetadata'>
): IRuntMetadata {
  const runt: unknown = holder.getMetadata('runt');
  return typeof runt === 'object' && runt !== null ? runt : {};
}

/**
 * Tell whether a cell is one that asks the AI.
 */
export function isAICell(cell: Shared): boolean {
  return cell.cell_type === 'code' && runtMetadata(cell).type === 'ai';
}

/**
 * Return the type of a cell as people choose it.
 */
export function typeOf({
  sharedModel
}: Pick<ICellModel, 'sharedModel'>): string {
  return isAICell(sharedModel) ? 'ai' : sharedModel.cell_type;
}
