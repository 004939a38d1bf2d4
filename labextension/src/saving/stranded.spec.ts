import { describe, expect, it } from 'vitest';

import type { NotebookRuntime } from '../model/notebookRuntime';
import type { RuntClient } from '../services/client';
import type { StrandedEdits } from './saving';
import { areInHistory, textsOf } from './stranded';

const EDITS: StrandedEdits[] = [
  { at: 1, texts: { c0: 'early', c1: 'one' } },
  { at: 2, texts: { c0: 'late' } }
];

/** Answers with versions that were kept, each with the sources of its cells. */
function historyOf(...kept: string[][]): Pick<NotebookRuntime, 'ask'> {
  const client = {
    versions: () =>
      Promise.resolve({
        versions: [
          { kind: 'edits' },
          ...kept.map((_, seq) => ({ kind: 'kept', seq }))
        ]
      }),
    notebookAt: (_: string, { seq }: { seq: number }) =>
      Promise.resolve({ cells: kept[seq].map(source => ({ source })) })
  };
  return { ask: question => question(client as unknown as RuntClient, 'n1') };
}

describe('Stranded edits', () => {
  it('read as they did last', () => {
    expect([...textsOf(EDITS)]).toEqual([
      ['c1', 'one'],
      ['c0', 'late']
    ]);
  });

  it('are in the history where one version has all of them', async () => {
    const has = (...kept: string[][]) =>
      areInHistory(EDITS, historyOf(...kept));
    expect(await has()).toBe(false);
    expect(await has(['late'], ['one'])).toBe(false);
    expect(await has(['other'], ['late', 'more', 'one'])).toBe(true);
  });
});
