import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import {
  CALM_MS,
  CalmState,
  type ISavingFacts,
  PATIENCE_MS,
  type SavingState,
  isNews,
  stateOf
} from './state';

const FACTS: ISavingFacts = {
  known: true,
  writable: true,
  synced: true,
  refused: false,
  changes: 0,
  kept: true,
  waiting: 0,
  save: { status: 'saved', at: '2026-01-01T00:00:00Z', error: null }
};
const SAVED = stateOf(FACTS);
const SAVING: SavingState = { kind: 'saving' };
const OFFLINE: SavingState = { kind: 'offline', changes: 1, kept: true };

describe('stateOf', () => {
  it('is no state of saving where a person may only read', () => {
    expect(stateOf({ ...FACTS, writable: false }).kind).toBe('readonly');
    expect(stateOf({ ...FACTS, known: false, writable: false }).kind).toBe(
      'unknown'
    );
  });

  it('is saved where the log and the file have everything', () => {
    expect(SAVED).toEqual({ kind: 'saved', at: '2026-01-01T00:00:00Z' });
  });

  it.each<[string, Partial<ISavingFacts>, SavingState]>([
    ['nothing is known', { known: false }, { kind: 'unknown' }],
    ['the server has said nothing', { save: null }, { kind: 'unknown' }],
    ['the log lacks something', { changes: 2 }, SAVING],
    [
      'the file lacks something',
      { save: { status: 'saving', at: null } },
      SAVING
    ],
    [
      'the file cannot be written',
      { save: { status: 'failed', at: null, error: 'The disk is full.' } },
      { kind: 'failed', error: 'The disk is full.', recorded: true }
    ],
    [
      'the log does not take it',
      { changes: 1, waiting: PATIENCE_MS },
      { kind: 'failed', error: null, recorded: false }
    ],
    [
      'the server has begun anew',
      { synced: false, refused: true, changes: 1 },
      { kind: 'refused' }
    ],
    ['there is no server', { synced: false, changes: 1 }, OFFLINE],
    [
      'there is neither a server nor room in the browser',
      { synced: false, changes: 3, kept: false },
      { kind: 'offline', changes: 3, kept: false }
    ]
  ])('says so where %s', (_, facts, state) => {
    expect(stateOf({ ...FACTS, ...facts })).toEqual(state);
  });
});

describe('CalmState', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function setUp() {
    const show = vi.fn<(state: SavingState) => void>();
    return { calm: new CalmState(show), show };
  }

  it('shows nothing that only flashes up between two key presses', () => {
    const { calm, show } = setUp();
    calm.reset(SAVED);
    for (let key = 0; key < 3; key++) {
      calm.set(SAVING);
      vi.advanceTimersByTime(50);
      calm.set(SAVED);
      vi.advanceTimersByTime(CALM_MS / 2);
    }
    expect(show.mock.calls).toEqual([[SAVED], [SAVING]]);
    vi.advanceTimersByTime(CALM_MS);
    expect(calm.shown).toEqual(SAVED);
  });

  it('shows trouble at once', () => {
    const { calm } = setUp();
    calm.set(SAVING);
    calm.set(SAVED);
    calm.set(OFFLINE);
    expect(calm.shown).toEqual(OFFLINE);
    vi.advanceTimersByTime(CALM_MS);
    expect(calm.shown).toEqual(OFFLINE);
  });
});

describe('isNews', () => {
  it('is trouble, and its end', () => {
    expect(isNews(OFFLINE, SAVED)).toBe(true);
    expect(isNews({ ...OFFLINE, changes: 2 }, OFFLINE)).toBe(false);
    expect(isNews({ kind: 'refused' }, OFFLINE)).toBe(true);
    expect(isNews(SAVING, SAVED)).toBe(false);
    expect(isNews(SAVED, SAVING)).toBe(false);
    expect(isNews(SAVED, OFFLINE)).toBe(true);
  });
});
