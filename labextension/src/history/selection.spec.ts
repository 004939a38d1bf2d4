import { describe, expect, it } from 'vitest';

import { choose, extend, move, NOTHING, toggle, within } from './selection';

const KEYS = ['c', 'b', 'a'];

describe('selection', () => {
  it('chooses one version alone', () => {
    expect(choose('a')).toEqual({ active: 'a', chosen: ['a'] });
  });

  it('holds two, and lets a third take the place of the second', () => {
    const two = toggle(choose('a'), 'b');
    expect(two.chosen).toEqual(['a', 'b']);
    expect(toggle(two, 'c').chosen).toEqual(['a', 'c']);
    expect(toggle(two, 'a').chosen).toEqual(['b']);
  });

  it('chooses the ends of what lies between', () => {
    const two = extend(choose('a'), 'b');
    expect(extend(two, 'c').chosen).toEqual(['a', 'c']);
    expect(extend(two, 'a').chosen).toEqual(['a']);
    expect(extend({ active: 'b', chosen: [] }, 'c').chosen).toEqual(['b', 'c']);
    expect(extend(NOTHING, 'c').chosen).toEqual(['c']);
  });

  it('moves the keyboard, not what is chosen, and stops at the ends', () => {
    const chosen = choose('b');
    expect(move(chosen, KEYS, 1)).toEqual({ active: 'a', chosen: ['b'] });
    expect(move(chosen, KEYS, 10).active).toBe('a');
    expect(move(chosen, KEYS, -Infinity).active).toBe('c');
    expect(move(NOTHING, KEYS, 1).active).toBe('c');
    expect(move(NOTHING, [], 1).active).toBeNull();
  });

  it('forgets what is not there any more', () => {
    const two = toggle(choose('a'), 'b');
    expect(within(two, ['c', 'a'])).toEqual({ active: null, chosen: ['a'] });
    expect(within(two, KEYS)).toEqual(two);
  });
});
