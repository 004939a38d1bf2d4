import { Signal } from '@lumino/signaling';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as Y from 'yjs';

import {
  type ExecutionStatus,
  type IExecution,
  RuntError
} from '../services/client';
import { Completions } from './completions';
import { RuntimeModel } from './runtime';

class Room {
  synced = true;
  readonly syncedChanged = new Signal<this, boolean>(this);
}

function execution(status: ExecutionStatus): IExecution {
  const requested_at = '2026-01-01T00:00:00.000Z';
  return { cell_id: 'c1', status, requested_by: 'user:ada', requested_at };
}

function setUp() {
  const document = new Y.Doc();
  const model = new RuntimeModel();
  model.follow(document);
  const room = new Room();
  const read = vi.fn<(id: string, wait: number) => Promise<IExecution>>();
  const completions = new Completions({ model, room, read });
  const executions = document.getMap('executions');
  return { completions, executions, read, room };
}

describe('Completions', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('end when the runtime document says so, without asking the API', async () => {
    const { completions, executions, read } = setUp();
    executions.set('e1', execution('requested'));
    const end = completions.wait('e1');
    expect(completions.has('e1')).toBe(true);
    executions.set('e1', execution('running'));
    executions.set('e1', execution('error'));
    expect((await end).status).toBe('error');
    expect(completions.has('e1')).toBe(false);
    await vi.runAllTimersAsync();
    expect(read).not.toHaveBeenCalled();
  });

  it('end at once where the document has the end already', async () => {
    const { completions, executions } = setUp();
    executions.set('e1', execution('ok'));
    expect((await completions.wait('e1')).status).toBe('ok');
  });

  it('ask the API for an execution that the document forgot', async () => {
    const { completions, read } = setUp();
    read.mockResolvedValue(execution('ok'));
    const end = completions.wait('e1');
    await vi.runAllTimersAsync();
    expect((await end).status).toBe('ok');
    expect(read).toHaveBeenCalledOnce();
  });

  it('ask the API for one execution at a time while the room is away', async () => {
    const { completions, executions, read, room } = setUp();
    executions.set('e1', execution('running'));
    executions.set('e2', execution('requested'));
    room.synced = false;
    read.mockResolvedValueOnce(execution('running'));
    read.mockResolvedValue(execution('cancelled'));
    const ends = Promise.all([completions.wait('e1'), completions.wait('e2')]);
    await vi.runAllTimersAsync();
    expect((await ends).map(({ status }) => status)).toEqual([
      'cancelled',
      'cancelled'
    ]);
    expect(read.mock.calls.map(([id]) => id)).toEqual(['e1', 'e1', 'e2']);
  });

  it('fail where the API says that the execution is unknown', async () => {
    const { completions, read } = setUp();
    const gone = new RuntError('execution_not_found', 'There is no such one.');
    read.mockRejectedValue(gone);
    const end = expect(completions.wait('e1')).rejects.toThrow('no such');
    await vi.runAllTimersAsync();
    await end;
  });

  it('outlive a server that does not answer for a while', async () => {
    const { completions, read } = setUp();
    read.mockRejectedValueOnce(new TypeError('Failed to fetch'));
    read.mockResolvedValue(execution('ok'));
    const end = completions.wait('e1');
    await vi.runAllTimersAsync();
    expect((await end).status).toBe('ok');
  });

  it('are rejected when the notebook closes', async () => {
    const { completions, executions } = setUp();
    executions.set('e1', execution('running'));
    const end = completions.wait('e1');
    completions.dispose();
    completions.dispose();
    await expect(end).rejects.toThrow('Canceled');
  });
});
