import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import { Durations } from '../model/durations';
import { Names } from '../model/names';
import type { ITurn } from '../services/ai';
import { TurnBar } from './turnBar';
import { TurnWords } from './turnWords';

const trans = nullTranslator.load('jupyter_runt');
const AT = '2026-01-01T10:00:00Z';

const turn: ITurn = {
  turn_id: 't1',
  cell_id: 'c1',
  model: 'demo/parrot',
  status: 'running',
  requested_by: 'user:ada',
  requested_at: AT,
  text: '',
  items: []
};

function bar(): TurnBar {
  const names = new Names({}, () => 'ada', trans);
  const durations = new Durations('en', trans);
  return new TurnBar({
    words: new TurnWords({ names, durations, trans }),
    trans,
    now: () => Date.parse(AT) + 3000,
    isWritable: () => true,
    onAction: () => undefined
  });
}

function offered({ node }: TurnBar): (string | undefined)[] {
  const buttons = [...node.querySelectorAll('button')];
  return buttons.filter(one => !one.hidden).map(one => one.dataset['action']);
}

describe('what is said of an answer', () => {
  it('tells a screen reader once that it is over', () => {
    const shown = bar();
    const news = shown.node.querySelector('[role=status]')!;
    shown.write({ ...turn, status: 'ok', completed_at: AT }, '');
    expect(news.textContent).toBe('');
    shown.write({ ...turn, turn_id: 't2' }, '');
    expect(news.textContent).toBe('');
    shown.write({ ...turn, status: 'ok', completed_at: AT }, '');
    expect(news.textContent).toMatch(/^Answered in/);
    shown.dispose();
  });

  it('leads to the keys where nothing came', () => {
    const shown = bar();
    shown.write({ ...turn, status: 'error', completed_at: AT }, '');
    expect(offered(shown)).toEqual(['follow', 'again', 'shown', 'keys']);
    shown.write(
      { ...turn, status: 'error', text: 'Half', completed_at: AT },
      ''
    );
    expect(offered(shown)).toEqual(['follow', 'again', 'shown']);
    shown.dispose();
  });
});
