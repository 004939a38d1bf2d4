import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import type { IApproval } from '../services/ai';
import { ApprovalCard } from './approvalCard';
import { ToolWords } from './toolWords';

const trans = nullTranslator.load('jupyter_runt');
const AT = '2026-01-01T10:00:00Z';

function card(fields: Partial<IApproval>): HTMLElement {
  const call = {
    call_id: 'k1',
    turn_id: 't1',
    cell_id: 'c1',
    tool: 'run_cells',
    effect: 'execute' as const,
    requested_by: 'user:ada',
    requested_at: AT,
    expires_at: AT
  };
  const approval = {
    ...call,
    arguments: {},
    arguments_hash: 'h',
    nonce: 'n',
    preview: '1 + 1',
    ...fields
  };
  const shown = new ApprovalCard({
    trans,
    tools: new ToolWords(trans),
    now: () => Date.parse(AT),
    waitsFor: actor => `Waits for ${actor}`,
    nameOf: () => '',
    onReveal: () => undefined,
    onDecide: () => Promise.resolve()
  });
  shown.write({ call, approval });
  const { node } = shown;
  shown.dispose();
  return node;
}

function decisions(node: HTMLElement): (string | undefined)[] {
  const buttons = [...node.querySelectorAll<HTMLElement>('[data-decision]')];
  return buttons.map(({ dataset }) => dataset['decision']);
}

describe('a call that waits', () => {
  it('says why "always" cannot be said', () => {
    const open = card({ always: true });
    expect(decisions(open)).toEqual(['once', 'always', 'deny']);
    expect(open.querySelector('.jp-runt-Approval-note')!.textContent).toBe('');
    const tainted = card({ always: false });
    expect(decisions(tainted)).toEqual(['once', 'deny']);
    expect(
      tainted.querySelector('.jp-runt-Approval-note')!.textContent
    ).toContain('You are asked each time in this answer');
  });

  it('that is a question offers its answers', () => {
    const asked = card({ choices: ['Bars', 'A line'], preview: 'Which?' });
    expect(asked.getAttribute('aria-label')).toBe('The AI asks you');
    expect(
      [...asked.querySelectorAll('[data-decision]')].map(
        ({ textContent }) => textContent
      )
    ).toEqual(['Bars', 'A line', 'Answer', 'Do Not Answer']);
  });
});
