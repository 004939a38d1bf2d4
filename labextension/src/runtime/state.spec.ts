import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import type { IRuntime } from '../model/runtime';
import type { IExecution } from '../services/client';
import { stateOf } from './state';
import { createWords } from './words';

const at = (second: number) =>
  new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
const NOW = Date.parse(at(30));
const READY: IRuntime = {
  status: 'ready',
  since: at(1),
  owner: 'user:ada',
  host: 'here',
  kernel_name: 'python3'
};

function execution(values: Partial<IExecution>): IExecution {
  return {
    cell_id: 'c1',
    status: 'requested',
    requested_by: 'user:ada',
    requested_at: at(2),
    ...values
  };
}

function stateWith(runtime: IRuntime, ...all: IExecution[]) {
  const executions = new Map(all.map((each, n) => [`e${n}`, each]));
  const queue = [...executions.keys()].filter(
    id => !executions.get(id)!.completed_at
  );
  return stateOf({ runtime, queue, executions }, 'here');
}

const { runtime: words } = createWords(
  {},
  { identity: { username: 'bob' } as never },
  nullTranslator
);
const labelOf = (...args: Parameters<typeof stateWith>) =>
  words.label(stateWith(...args), NOW);

describe('what a kernel does', () => {
  it('is told with its progress while cells run', () => {
    const done = execution({ status: 'ok', completed_at: at(5) });
    const runs = execution({ status: 'running', started_at: at(18) });
    const waits = execution({});
    expect(labelOf(READY, runs)).toBe('Running for 12 s');
    expect(labelOf(READY, done, runs, waits)).toBe('Running 2 of 3 · 12 s');
    expect(stateWith(READY, done, runs, waits).waiting).toBe(1);
    const asks = execution({ status: 'waiting_input', started_at: at(18) });
    expect(labelOf(READY, asks)).toBe('Waits for an answer');
  });

  it("is idle since the last cell ended, and somebody's", () => {
    const done = execution({ status: 'ok', completed_at: at(5) });
    expect(labelOf(READY, done)).toBe('Idle for 25 s · started by ada');
    expect(labelOf({ ...READY, owner: 'user:bob' })).toBe('Idle for 29 s');
    expect(labelOf({ ...READY, owner: 'user:local' })).toBe('Idle for 29 s');
  });

  it('is told with its machine where that is not the server', () => {
    const lent = { ...READY, host: 'laptop' };
    expect(labelOf(lent)).toBe('Idle for 29 s · on laptop');
    expect(labelOf({ ...lent, status: 'unresponsive' })).toBe(
      'Kernel silent for 29 s · on laptop'
    );
    expect(labelOf({ ...lent, status: 'lost', reason: 'Left.' })).toBe(
      'Kernel gone: Left.'
    );
    expect(words.details(stateWith(lent), NOW)).toContain('Machine of: ada');
  });

  it('is told with the reason where it is gone', () => {
    expect(labelOf({})).toBe('No kernel');
    const lost = { ...READY, status: 'lost', reason: 'It was killed.' };
    expect(labelOf(lost)).toBe('Kernel gone: It was killed.');
    expect(labelOf({ ...READY, status: 'starting' })).toBe(
      'Kernel starts · 29 s'
    );
    expect(labelOf({ ...READY, status: 'unresponsive' })).toBe(
      'Kernel silent for 29 s'
    );
  });

  it('is new after a death, until something has run', () => {
    const anew = { ...READY, previous_end: { reason: 'Killed.', at: at(9) } };
    const lost = execution({
      status: 'lost',
      started_at: at(8),
      completed_at: at(9)
    });
    expect(labelOf({ ...anew, status: 'starting' }, lost)).toBe(
      'Kernel restarts: Killed.'
    );
    expect(labelOf(anew, lost)).toBe(
      'Kernel restarted: Killed. · started by ada'
    );
    const later = execution({
      status: 'ok',
      started_at: at(10),
      completed_at: at(11)
    });
    expect(stateWith(anew, lost, later).isFresh).toBe(false);
  });

  it('has its facts told one by one', () => {
    const anew = { ...READY, previous_end: { reason: 'Killed.', at: at(9) } };
    const state = stateWith(anew, execution({}), execution({}));
    const facts = words.facts(state, NOW);
    expect(facts.map(({ name }) => name)).toEqual([
      'Since',
      'Started by',
      'Kernel',
      'Waiting',
      'The kernel before'
    ]);
    expect(words.details(state, NOW)).toContain('Kernel: python3 on here');
    expect(words.details(state, NOW)).toContain('Waiting: 2 cells');
  });
});
