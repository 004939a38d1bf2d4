import { describe, expect, it } from 'vitest';

import type { IToolCall } from '../services/ai';
import { blocksOf, partsOf, readAnswer } from './answers';

const CALL: IToolCall = {
  type: 'tool',
  call_id: 'k1',
  tool: 'read_cells',
  effect: 'read',
  arguments: '{}',
  status: 'ok'
};

describe('partsOf', () => {
  it('puts calls where they were made', () => {
    const at = 'Look 👀:'.length;
    const parts = partsOf({
      text: 'Look 👀: done.',
      items: [
        { ...CALL, at },
        { ...CALL, call_id: 'k2', at }
      ]
    });
    expect(parts).toEqual([
      { type: 'text', text: 'Look 👀:' },
      CALL,
      { ...CALL, call_id: 'k2' },
      { type: 'text', text: ' done.' }
    ]);
  });

  it('has no text where there is only space', () => {
    expect(partsOf({ text: '\n\n', items: [{ ...CALL, at: 1 }] })).toEqual([
      CALL
    ]);
  });
});

describe('readAnswer', () => {
  it('takes whatever anybody wrote', () => {
    for (const value of [null, 1, 'x', [], {}, { items: {} }]) {
      expect(readAnswer(value)).toBe(null);
    }
    expect(
      readAnswer({ items: [null, 2, { type: 'tool', tool: 3 }, { text: 'a' }] })
        ?.items
    ).toMatchObject([
      { type: 'tool', tool: '' },
      { type: 'text', text: 'a' }
    ]);
  });
});

describe('blocksOf', () => {
  it.each([
    ['one block', ['a\nb']],
    ['paragraphs', ['a\n', 'b\n', '# c\nd']],
    ['code with empty lines', ['a\n', '```py\nx\n\ny\n```\n', 'b']],
    ['code in code', ['````md\n```\n\na\n```\n\nb\n````\n', 'c']],
    ['a list with spaces', ['1. a\n\n2. b\n\n   more\n', 'c']],
    ['formulas', ['$$\na\n\nb\n$$\n', 'c']],
    ['indented text', ['a\n\n    b']]
  ])('cuts %s where nothing is torn apart', (_, blocks) => {
    expect(blocksOf(blocks.join('\n'))).toEqual(blocks);
  });

  it('shows the source of a diagram until it is whole', () => {
    const diagram = '```mermaid\ngraph TD; A-->B\n```';
    expect(blocksOf(`a\n\n${diagram}`).at(-1)).toBe(diagram);
    expect(blocksOf(`a\n\n${diagram.slice(0, -3)}`).at(-1)).toBe(
      '```\ngraph TD; A-->B\n'
    );
  });

  it('changes only the last block while a text grows', () => {
    const text = 'a\n\n- b\n- c\n\n```\nx\n\ny\n```\n\nend\n\nof it';
    let before = blocksOf('');
    for (let length = 1; length <= text.length; length++) {
      const now = blocksOf(text.slice(0, length));
      const settled = before.slice(0, -1);
      expect(now.slice(0, settled.length)).toEqual(settled);
      expect(now.join('\n')).toBe(text.slice(0, length));
      before = now;
    }
  });
});
