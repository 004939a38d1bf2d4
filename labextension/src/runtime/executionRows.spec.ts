import { describe, expect, it } from 'vitest';

import type { IExecution } from '../services/client';
import { rowsOf } from './executionRows';

const at = (second: number) =>
  new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();

function execution(completed?: number): IExecution {
  return {
    cell_id: 'c1',
    status: completed === undefined ? 'requested' : 'ok',
    requested_by: 'user:ada',
    requested_at: at(0),
    ...(completed !== undefined && { completed_at: at(completed) })
  };
}

describe('rowsOf', () => {
  it('lists what waits in order, and what ended from the last one', () => {
    const executions = new Map([
      ['first', execution(1)],
      ['second', execution(2)],
      ['waits', execution()]
    ]);
    expect(rowsOf({ executions, queue: ['waits'] })).toEqual({
      active: ['waits'],
      moreActive: 0,
      ended: ['second', 'first']
    });
  });

  it('counts what it does not list', () => {
    const queue = Array.from({ length: 60 }, (_, n) => `e${n}`);
    const executions = new Map(queue.map(id => [id, execution()]));
    const rows = rowsOf({ executions, queue });
    expect(rows.active.length + rows.moreActive).toBe(60);
    expect(rows.moreActive).toBeGreaterThan(0);
  });
});
