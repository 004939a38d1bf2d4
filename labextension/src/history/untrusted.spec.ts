import { describe, expect, it } from 'vitest';

import { untrusted } from './untrusted';

describe('untrusted', () => {
  const content = {
    metadata: { language_info: { name: 'julia' } },
    nbformat: 4,
    nbformat_minor: 5,
    cells: [
      {
        cell_type: 'code',
        source: '',
        outputs: [],
        execution_count: null,
        metadata: { trusted: true, tags: ['a'] }
      }
    ]
  };

  it('believes no cell that says it is trusted', () => {
    const [cell] = untrusted(content).cells;
    expect(cell.metadata).toEqual({ trusted: false, tags: ['a'] });
    expect(content.cells[0].metadata.trusted).toBe(true);
  });

  it('adds what the notebook does not say itself', () => {
    const language_info = { name: 'python' };
    expect(untrusted(content, { language_info }).metadata).toEqual({
      language_info: { name: 'julia' }
    });
    expect(
      untrusted({ ...content, metadata: {} }, { language_info }).metadata
    ).toEqual({ language_info });
  });
});
