import { isTerminal, type RuntimeModel } from '../model/runtime';
import type { IExecution } from '../services/client';

/**
 * Where the last execution of a cell is, in one word.
 */
export type CellKind =
  | 'queued'
  | 'running'
  | 'asking'
  | 'ok'
  | 'error'
  | 'interrupted'
  | 'cancelled'
  | 'lost';

/**
 * What is told of the last execution of a cell.
 */
export interface ICellState {
  executionId: string;
  execution: IExecution;
  kind: CellKind;
}

/**
 * Return the id of the last execution of a cell, if there is one.
 */
export function lastOf(
  model: Pick<RuntimeModel, 'idsOfCell' | 'executions'>,
  cellId: string
): string | undefined {
  let last: string | undefined;
  let at = '';
  for (const id of model.idsOfCell(cellId)) {
    const { requested_at } = model.executions.get(id)!;
    if (requested_at >= at) {
      [last, at] = [id, requested_at];
    }
  }
  return last;
}

/**
 * Return what is told of an execution.
 */
export function cellStateOf(
  { executions }: Pick<RuntimeModel, 'executions'>,
  executionId: string
): ICellState | null {
  const execution = executions.get(executionId);
  return execution === undefined
    ? null
    : { executionId, execution, kind: kindOf(execution) };
}

/**
 * Return the number of an execution among those that wait, from 1.
 */
export function placeOf(
  { executions, queue }: Pick<RuntimeModel, 'executions' | 'queue'>,
  executionId: string
): number | null {
  const index = queue.indexOf(executionId);
  // The queue begins with what runs.
  const runs = index >= 0 && Boolean(executions.get(queue[0])?.started_at);
  return index < 0 ? null : index + (runs ? 0 : 1);
}

/**
 * Whether a cell that reads otherwise than what ran is worth a word.
 */
export function hasRun({ execution }: ICellState): boolean {
  return !isTerminal(execution) || Boolean(execution.started_at);
}

/**
 * Whether a state goes on by itself.
 */
export function isActive({ execution }: ICellState): boolean {
  return !isTerminal(execution);
}

function kindOf({ status, error }: IExecution): CellKind {
  switch (status) {
    case 'requested':
    case 'assigned':
      return 'queued';
    case 'waiting_input':
      return 'asking';
    case 'error':
      return error?.ename === 'KeyboardInterrupt' ? 'interrupted' : 'error';
    default:
      return status;
  }
}
