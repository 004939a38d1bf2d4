import { Signal } from '@lumino/signaling';
import { describe, expect, it, vi } from 'vitest';

import type { IKeptVersion, IServerState } from '../services/runtimeRoom';
import { KeptVersions } from './keptVersions';

function state(seq: number | null): IServerState {
  const kept = seq === null ? null : { seq, reason: 'r', message: 'm', at: '' };
  const save = { status: 'saved' as const, at: null };
  return { seq: 9, state_vector: 'AA==', save, kept };
}

/** A tab in a browser that remembers what was told. */
function open(told: Map<string, string>, first: IServerState | null) {
  const tell = vi.fn<(kept: IKeptVersion) => void>();
  const changed = new Signal<object, IServerState>({});
  const versions = new KeptVersions({
    runtime: {
      info: { notebook_id: 'n1' },
      serverState: first,
      serverStateChanged: changed
    },
    storage: {
      getItem: key => told.get(key) ?? null,
      setItem: (key, value) => void told.set(key, value)
    },
    tell
  });
  return { changed, tell, versions };
}

describe('KeptVersions', () => {
  it('are told once in a browser', () => {
    const told = new Map<string, string>();
    const { changed, tell, versions } = open(told, state(null));
    expect(tell).not.toHaveBeenCalled();
    changed.emit(state(4));
    changed.emit(state(4));
    changed.emit(state(7));
    expect(tell.mock.calls.map(([{ seq }]) => seq)).toEqual([4, 7]);
    versions.dispose();
    const next = open(told, state(7));
    expect(next.tell).not.toHaveBeenCalled();
    next.changed.emit(state(8));
    expect(next.tell).toHaveBeenCalledOnce();
  });
});
