import { describe, expect, it, vi } from 'vitest';
import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';

import { onArrival } from './people';

describe('onArrival', () => {
  it('tells of who comes, and comes back, until it is ended', () => {
    const awareness = new Awareness(new Y.Doc());
    const tell = vi.fn();
    const end = onArrival({ awareness }, tell);
    awareness.setLocalState({ cursor: 1 });
    expect(tell).toHaveBeenCalledTimes(0);
    awareness.setLocalState({ user: { username: 'ada' } });
    awareness.setLocalState({ user: { username: 'ada' }, cursor: 2 });
    expect(tell).toHaveBeenCalledTimes(1);
    awareness.setLocalState(null);
    awareness.setLocalState({ user: { username: 'ada' } });
    expect(tell).toHaveBeenCalledTimes(2);
    end();
    awareness.setLocalState({ user: { username: 'bob' } });
    expect(tell).toHaveBeenCalledTimes(2);
    awareness.destroy();
  });
});
