import { isTerminal, type RuntimeModel } from '../model/runtime';

/** How many of those that have not ended, and of those that have, are listed. */
const LISTED = 50;

/**
 * Which executions are listed, and how many are not.
 */
export interface IExecutionRows {
  /** What runs and waits, in order. */
  active: string[];
  moreActive: number;
  /** What has ended, the last one first. */
  ended: string[];
}

/**
 * Choose the executions to list.
 */
export function rowsOf({
  executions,
  queue
}: Pick<RuntimeModel, 'executions' | 'queue'>): IExecutionRows {
  const ended = [...executions]
    .filter(([, execution]) => isTerminal(execution))
    .map(([id, { completed_at }]) => ({ id, at: completed_at ?? '' }))
    .sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0));
  return {
    active: queue.slice(0, LISTED),
    moreActive: Math.max(0, queue.length - LISTED),
    ended: ended.slice(0, LISTED).map(({ id }) => id)
  };
}
