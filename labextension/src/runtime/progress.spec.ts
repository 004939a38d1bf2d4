import { describe, expect, it } from 'vitest';

import type { ExecutionStatus, IExecution } from '../services/client';
import { progressOf } from './progress';

function execution(
  status: ExecutionStatus,
  requested: number,
  completed?: number
): IExecution {
  const at = (second: number) =>
    new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
  return {
    cell_id: 'c1',
    status,
    requested_by: 'user:ada',
    requested_at: at(requested),
    completed_at: completed === undefined ? null : at(completed)
  };
}

describe('progressOf', () => {
  it('counts what has ended since something began to wait', () => {
    const executions = [
      execution('ok', 1, 2),
      execution('ok', 5, 6),
      execution('error', 5, 7),
      execution('running', 5),
      execution('requested', 5)
    ];
    expect(progressOf(executions)).toEqual({ done: 2, total: 4 });
  });

  it('counts what waited together with what ended meanwhile', () => {
    const executions = [
      execution('ok', 1, 3),
      execution('ok', 2, 5),
      execution('running', 4)
    ];
    expect(progressOf(executions)).toEqual({ done: 2, total: 3 });
  });

  it('is nothing where nothing waits or runs', () => {
    expect(progressOf([execution('ok', 1, 2)])).toBeNull();
    expect(progressOf([])).toBeNull();
  });
});
