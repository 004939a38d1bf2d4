import { nullTranslator } from '@jupyterlab/translation';
import { expect, it } from 'vitest';

import type { IWrittenLine } from '../services/history';
import { Authors } from '../model/authors';
import { stretchesOf } from './cellAuthors';

const AT = '2026-01-01T10:00:00.000Z';

function line(text: string, seq: number | null, ...authors: string[]) {
  const recorded_at = seq === null ? null : AT;
  return { text, authors, seq, recorded_at } satisfies IWrittenLine;
}

it('puts lines together that were written at the same time', () => {
  const authors = new Authors(() => [], nullTranslator.load('jupyter_runt'));
  const stretches = stretchesOf(
    [
      line('a', 1, 'user:ada'),
      line('', 1, 'user:ada'),
      line('b', 1, 'user:bob', 'user:ada'),
      line('c', null),
      line('d', 1, 'user:ada')
    ],
    authors
  );
  expect(
    stretches.map(({ first, lines, authors, at }) => ({
      first,
      text: lines.join(),
      names: authors.map(({ name }) => name),
      at: at?.toISOString()
    }))
  ).toEqual([
    { first: 1, text: 'a,', names: ['ada'], at: AT },
    { first: 3, text: 'b', names: ['bob', 'ada'], at: AT },
    { first: 4, text: 'c', names: [], at: undefined },
    { first: 5, text: 'd', names: ['ada'], at: AT }
  ]);
});
