import { expect, it } from 'vitest';

import { type IAwareness, keepPresence } from './presence';
import type { IProvider } from './provider';

type OnStatus = (event: { status: string }) => void;

/** Has seen one other client, which was removed with the connection. */
class Awareness implements IAwareness {
  readonly clientID = 1;
  readonly meta = new Map<number, unknown>([
    [1, {}],
    [2, {}]
  ]);
  said = 0;

  getLocalState(): object {
    return { user: 'ada' };
  }

  setLocalState(state: object | null): void {
    expect(state).toEqual(this.getLocalState());
    this.said++;
  }
}

it('takes and says states anew after a connection was lost', () => {
  const awareness = new Awareness();
  const listeners = new Set<OnStatus>();
  const provider = {
    awareness,
    on: (_: string, listener: OnStatus) => listeners.add(listener),
    off: (_: string, listener: OnStatus) => listeners.delete(listener)
  };
  const end = keepPresence(provider as unknown as IProvider);
  const emit = (status: string) => listeners.forEach(tell => tell({ status }));
  emit('disconnected');
  emit('connecting');
  expect([...awareness.meta.keys()]).toEqual([1]);
  expect(awareness.said).toBe(0);
  emit('connected');
  expect(awareness.said).toBe(1);
  end();
  emit('connected');
  expect(awareness.said).toBe(1);
});
