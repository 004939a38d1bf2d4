import { nullTranslator } from '@jupyterlab/translation';
import type { User } from '@jupyterlab/services';
import { describe, expect, it } from 'vitest';

import type { IVersion } from '../services/history';
import { Authors, initialsOf } from '../model/authors';
import { CellNames } from '../model/cellNames';
import { byDay } from './days';
import { Times } from '../model/times';

const trans = nullTranslator.load('jupyter_runt');
const times = new Times('en_US');

describe('Times', () => {
  const now = new Date(2026, 10, 21, 14, 5, 10);

  it('says how long ago it was today', () => {
    const ago = (seconds: number) =>
      times.brief(new Date(now.getTime() - seconds * 1000), now);
    expect(ago(5)).toBe('now');
    expect(ago(-5)).toBe('now');
    expect(ago(300)).toBe('5 min. ago');
    expect(ago(7300)).toBe('2 hr. ago');
  });

  it('says the time of the clock on other days', () => {
    const before = new Date(2026, 10, 20, 9, 30);
    expect(times.brief(before, now)).toMatch(/^9:30.AM$/);
    expect(times.moment(before, now)).toMatch(/^Nov 20, 2026, 9:30:00.AM$/);
  });

  it('names the days', () => {
    expect(times.day(now, now)).toBe('Today');
    expect(times.day(new Date(2026, 10, 20, 23, 59), now)).toBe('Yesterday');
    expect(times.day(new Date(2026, 10, 16), now)).toBe('Monday, November 16');
    expect(times.day(new Date(2025, 0, 2), now)).toBe('January 2, 2025');
  });

  it('groups versions by them, in their order', () => {
    const versions = [
      new Date(2026, 10, 21, 1),
      new Date(2026, 10, 21, 0),
      new Date(2026, 10, 20, 23)
    ].map(at => ({ recorded_at: at.toISOString() }) as IVersion);
    const days = byDay(versions, now, times);
    expect(days.map(({ label }) => label)).toEqual(['Today', 'Yesterday']);
    expect(days.map(day => day.versions.length)).toEqual([2, 1]);
    expect(byDay([], now, times)).toEqual([]);
  });
});

describe('Authors', () => {
  const ada = {
    username: 'ada',
    name: 'Ada',
    display_name: 'Ada Lovelace',
    initials: 'AL',
    color: 'red'
  } as User.IIdentity;

  it('knows people as the others see them, also after they have left', () => {
    const here = [ada];
    const authors = new Authors(() => here, trans);
    const author = { name: 'Ada Lovelace', initials: 'AL', color: 'red' };
    expect(authors.of('user:ada')).toEqual(author);
    here.pop();
    expect(authors.of('user:ada')).toEqual(author);
  });

  it('names whoever it does not know, in a color that stays', () => {
    const authors = new Authors(() => [ada], trans);
    const bob = authors.of('user:bob.builder');
    expect(bob.name).toBe('bob.builder');
    expect(bob.initials).toBe('BB');
    expect(bob.color).toMatch(/^var\(--jp-collaborator-color[1-7]\)$/);
    expect(authors.of('user:bob.builder')).toEqual(bob);
    expect(authors.of('file').name).toBe('File');
    expect(authors.of('agent:7').name).toBe('AI');
    expect(authors.of('user:local').name).toBe('Local user');
    expect(authors.of('user:token-1a2b').name).toBe('A program (token 1a2b)');
  });

  it('takes initials of any script', () => {
    expect(initialsOf('Grace Brewster Hopper')).toBe('GH');
    expect(initialsOf('李 小龙')).toBe('李小');
    expect(initialsOf('')).toBe('');
  });
});

describe('CellNames', () => {
  const cells = Array.from({ length: 8 }, (_, index) => ({
    getId: () => `c${index}`,
    getSource: () => (index === 0 ? 'import math\nx = 1' : '')
  }));
  const names = new CellNames({ cells } as never, trans);

  it('names one cell by its first line', () => {
    expect(names.phrase(['c0'])).toBe('Cell 1: import math');
    expect(names.phrase(['c1'])).toBe('Cell 2');
    expect(names.phrase([])).toBe('');
  });

  it('names several by where they are now, and counts those that are gone', () => {
    expect(names.phrase(['c2', 'c0'])).toBe('Cells 1, 3');
    expect(names.phrase(cells.map(cell => cell.getId()))).toBe(
      'Cells 1, 2, 3, 4 and 4 more'
    );
    expect(names.phrase(['c1', 'x'])).toBe('Cell 2 · 1 deleted cell');
    expect(names.phrase(['x', 'y'])).toBe('2 deleted cells');
  });
});
