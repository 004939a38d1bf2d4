import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import { between, Durations } from './durations';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const trans = nullTranslator.load('jupyter_runt');

describe('Durations', () => {
  const durations = new Durations('en_US', trans);

  it('says what took long more roughly than what did not', () => {
    const said = [0, 12.4, 1200, 12_900, 65_000, 2 * HOUR + MINUTE, 49 * HOUR];
    expect(said.map(took => durations.exact(took))).toEqual([
      '1 ms',
      '12 ms',
      '1.2 s',
      '12 s',
      '1 min 5 s',
      '2 h 1 min',
      '2 d 1 h'
    ]);
  });

  it('counts whole seconds while something goes on', () => {
    expect(durations.whole(-5)).toBe('0 s');
    expect(durations.whole(1999)).toBe('1 s');
    expect(durations.rough(65_000)).toBe('1 min');
    expect(durations.rough(25_000)).toBe('25 s');
  });

  it('writes numbers as the person does', () => {
    expect(new Durations('de_DE', trans).exact(1200)).toBe('1,2 s');
  });
});

describe('between', () => {
  it('is the time between two times of the server', () => {
    const [one, other] = ['00:00:01.500Z', '00:00:03.000Z'].map(
      time => `2026-01-01T${time}`
    );
    expect(between(one, other)).toBe(1500);
    expect(between(other, one)).toBe(0);
  });
});
