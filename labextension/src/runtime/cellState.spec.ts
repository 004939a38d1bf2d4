import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import type { IExecution } from '../services/client';
import { cellStateOf, hasRun, placeOf } from './cellState';
import { createWords } from './words';

const at = (second: number) =>
  new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
const { cells: words } = createWords(
  {},
  { identity: { username: 'ada' } as never },
  nullTranslator
);

function stateWith(values: Partial<IExecution>) {
  const execution: IExecution = {
    cell_id: 'c1',
    status: 'requested',
    requested_by: 'user:ada',
    requested_at: at(0),
    ...values
  };
  return cellStateOf({ executions: new Map([['e1', execution]]) }, 'e1')!;
}

function labelOf(values: Partial<IExecution>, now: number | null = null) {
  return words.label(stateWith(values), null, now);
}

describe('what is said of a cell', () => {
  it('is its number while it waits', () => {
    expect(words.label(stateWith({}), 3, null)).toBe('Queued: no. 3');
    expect(labelOf({ status: 'assigned' })).toBe('Queued');
  });

  it("is for how long it has run, where the server's time is known", () => {
    const runs = { status: 'running', started_at: at(3) } as const;
    expect(labelOf(runs, Date.parse(at(15)))).toBe('Running for 12 s');
    expect(labelOf(runs)).toBe('Running');
    expect(labelOf({ ...runs, status: 'waiting_input' })).toBe(
      'Waits for an answer'
    );
  });

  it('is how it ended, and how long that took', () => {
    const ran = { started_at: at(3), completed_at: at(4) };
    expect(labelOf({ ...ran, status: 'ok' })).toBe('Done in 1.0 s');
    const error = { ename: 'ValueError', evalue: 'v', traceback: [] };
    expect(labelOf({ ...ran, status: 'error', error })).toBe(
      'Failed after 1.0 s'
    );
    const stopped = { ...error, ename: 'KeyboardInterrupt' };
    expect(labelOf({ ...ran, status: 'error', error: stopped })).toBe(
      'Interrupted after 1.0 s'
    );
    expect(labelOf({ ...ran, status: 'lost', reason: 'Killed.' })).toBe(
      'Lost after 1.0 s: Killed.'
    );
  });

  it('is why it did not run', () => {
    const cancelled = { status: 'cancelled', completed_at: at(4) } as const;
    expect(labelOf(cancelled)).toBe('Cancelled');
    expect(labelOf({ ...cancelled, reason: 'Stopped.' })).toBe(
      'Cancelled: Stopped.'
    );
    expect(hasRun(stateWith(cancelled))).toBe(false);
    expect(hasRun(stateWith({ ...cancelled, started_at: at(1) }))).toBe(true);
  });

  it('names somebody else who asked for it', () => {
    expect(labelOf({ requested_by: 'user:bob' })).toBe('Queued · by bob');
    expect(labelOf({ requested_by: 'user:local' })).toBe('Queued');
    const said = words.details(
      stateWith({ status: 'ok', started_at: at(3), completed_at: at(4) }),
      Date.parse(at(5))
    );
    expect(said).toMatch(/^Asked for by you: .*\nStarted: .*\nEnded: /);
  });
});

describe('placeOf', () => {
  const waits = stateWith({}).execution;
  const runs = stateWith({ status: 'running', started_at: at(1) }).execution;

  it('counts what waits, not what runs', () => {
    const queue = ['e1', 'e2', 'e3'];
    const all = (first: IExecution) =>
      new Map([
        ['e1', first],
        ['e2', waits],
        ['e3', waits]
      ]);
    expect(placeOf({ queue, executions: all(waits) }, 'e3')).toBe(3);
    expect(placeOf({ queue, executions: all(runs) }, 'e3')).toBe(2);
    expect(placeOf({ queue, executions: all(runs) }, 'e9')).toBeNull();
  });
});
