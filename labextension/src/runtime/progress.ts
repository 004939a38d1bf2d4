import { isTerminal } from '../model/runtime';
import type { IExecution } from '../services/client';

/**
 * How many of the executions that were asked for have ended.
 */
export interface IProgress {
  done: number;
  total: number;
}

/**
 * Count the executions since something began to wait; null where nothing does.
 *
 * @param executions - In about the order in which they were asked for.
 */
export function progressOf(executions: Iterable<IExecution>): IProgress | null {
  const ended: IExecution[] = [];
  let active = 0;
  let since = '';
  for (const execution of executions) {
    if (isTerminal(execution)) {
      ended.push(execution);
    } else {
      active += 1;
      since = earlier(since, execution.requested_at);
    }
  }
  if (active === 0) {
    return null;
  }
  ended.reverse();
  for (let last = ''; last !== since;) {
    last = since;
    // What waited together with one that counts, counts too.
    for (const { completed_at, requested_at } of ended) {
      if ((completed_at ?? '') > since) {
        since = earlier(since, requested_at);
      }
    }
  }
  const done = ended.filter(each => (each.completed_at ?? '') > since).length;
  return { done, total: done + active };
}

function earlier(one: string, other: string): string {
  return one === '' || other < one ? other : one;
}
