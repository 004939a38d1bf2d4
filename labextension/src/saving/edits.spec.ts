import { describe, expect, it } from 'vitest';
import * as Y from 'yjs';

import { PendingEdits, covers, integrates, readVector } from './edits';

/** A document whose own updates are pending. */
function setUp() {
  const document = new Y.Doc();
  const pending = new PendingEdits();
  document.on('update', (update: Uint8Array) => pending.add(update, 1000));
  const text = document.getText('t');
  const vector = () => Y.decodeStateVector(Y.encodeStateVector(document));
  return { document, pending, text, vector };
}

describe('covers', () => {
  it('holds where each clock is reached', () => {
    const held = new Map([
      [1, 5],
      [2, 3]
    ]);
    expect(covers(held, new Map())).toBe(true);
    expect(covers(held, new Map([[1, 5]]))).toBe(true);
    expect(covers(held, new Map([[1, 6]]))).toBe(false);
    expect(covers(held, new Map([[3, 1]]))).toBe(false);
  });

  it('reads the state vector that the server publishes', () => {
    const { document, text, vector } = setUp();
    text.insert(0, 'hello');
    const bytes = Y.encodeStateVector(document);
    const base64 = btoa(String.fromCharCode(...bytes));
    expect(readVector(base64)).toEqual(vector());
  });
});

describe('PendingEdits', () => {
  it('are confirmed by a state vector that covers them, and no sooner', () => {
    const { pending, text, vector } = setUp();
    text.insert(0, 'a');
    const held = vector();
    text.insert(1, 'b');
    expect(pending.count).toBe(2);
    expect(pending.confirm(new Map())).toEqual([]);
    expect(pending.confirm(held).length).toBe(1);
    expect(pending.count).toBe(1);
    expect(pending.confirm(vector()).length).toBe(1);
    expect(pending.count).toBe(0);
  });

  it('are not confirmed by a state vector where they delete', () => {
    const { pending, text, vector } = setUp();
    text.insert(0, 'ab');
    text.delete(0, 1);
    expect(pending.deletes).toBe(true);
    pending.confirm(vector());
    expect(pending.count).toBe(1);
    expect(pending.settle(1)).toEqual([]);
    expect(pending.settle(2).length).toBe(1);
    expect(pending.deletes).toBe(false);
  });

  it('become one that says the same', () => {
    const { document, pending, text, vector } = setUp();
    text.insert(0, 'abc');
    text.delete(1, 1);
    text.insert(0, '> ');
    const merged = pending.merge(pending.all.slice(0, 2));
    expect(pending.all.map(({ count }) => count)).toEqual([2, 1]);
    expect(merged.deletes).toBe(true);
    const copy = new Y.Doc();
    pending.all.forEach(({ update }) => Y.applyUpdate(copy, update));
    expect(copy.getText('t').toJSON()).toBe(document.getText('t').toJSON());
    pending.settle(2);
    pending.confirm(vector());
    expect(pending.count).toBe(0);
  });
});

describe('integrates', () => {
  it('tells whether a document has what an update builds on', () => {
    const { pending, text } = setUp();
    text.insert(0, 'a');
    text.insert(1, 'b');
    const [first, second] = pending.all;
    const other = new Y.Doc();
    expect(integrates(other, second.update)).toBe(false);
    Y.applyUpdate(other, first.update);
    expect(integrates(other, second.update)).toBe(true);
    expect(other.getText('t').toJSON()).toBe('a');
  });
});
