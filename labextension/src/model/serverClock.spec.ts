import { describe, expect, it } from 'vitest';

import { ServerClock } from './serverClock';

const NOON = '2026-01-01T12:00:00.000Z';

describe('ServerClock', () => {
  it('goes on from what the server said, not from what the browser says', () => {
    let local = 5;
    const clock = new ServerClock(() => local);
    clock.set(NOON);
    local += 1500;
    expect(clock.now() - Date.parse(NOON)).toBe(1500);
  });

  it('is never earlier than what has happened', () => {
    let local = 0;
    const clock = new ServerClock(() => local);
    clock.set(NOON);
    clock.passed('2026-01-01T12:00:07.000Z');
    expect(clock.now() - Date.parse(NOON)).toBe(7000);
    local += 60_000;
    clock.passed('2026-01-01T12:00:08.000Z');
    expect(clock.now() - Date.parse(NOON)).toBe(67_000);
  });
});
