import { Signal } from '@lumino/signaling';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { TurnsModel } from '../model/turns';
import type { IApproval } from '../services/ai';
import { Approvals } from './approvals';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('what waits for a decision', () => {
  it('is asked for again while the server is away, which is told once', async () => {
    const turns = { waiting: [{ call_id: 'k1' }] } as unknown as TurnsModel;
    Object.assign(turns, { waitingChanged: new Signal(turns) });
    const read = vi.fn().mockRejectedValue(new Error('away'));
    const onError = vi.fn();
    const approvals = new Approvals({ turns, read, onError });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(read.mock.calls.length).toBeGreaterThan(2);
    expect(onError).toHaveBeenCalledOnce();
    expect(approvals.mine).toEqual([]);
    read.mockResolvedValue([{ call_id: 'k1', nonce: 'n' } as IApproval]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(approvals.mine).toHaveLength(1);
    const { length } = read.mock.calls;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(read).toHaveBeenCalledTimes(length);
    approvals.dispose();
  });
});
