import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it, vi } from 'vitest';

import type { IApproval } from '../services/ai';
import { ApprovalCard } from './approvalCard';
import { ToolWords } from './toolWords';

const trans = nullTranslator.load('jupyter_runt');
const AT = '2026-01-01T10:00:00Z';

const onDecide = vi.fn(() => Promise.resolve());
const onDecided = vi.fn();

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
    onDecide,
    onDecided
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

  it('leaves the keyboard somewhere once it is decided', async () => {
    const node = card({});
    node.scrollIntoView = () => undefined; // jsdom has none
    document.body.append(node);
    const once = node.querySelector<HTMLButtonElement>(
      'button[data-decision]'
    )!;
    once.focus();
    onDecide.mockImplementationOnce(() => {
      once.blur(); // as browsers do with what is inert
      return Promise.reject(new Error('Not now.'));
    });
    once.click();
    await vi.waitFor(() => expect(document.activeElement).toBe(once));
    expect(node.textContent).toContain('Not now.');
    onDecide.mockImplementationOnce(() => {
      once.blur();
      return Promise.resolve();
    });
    once.click();
    await vi.waitFor(() => expect(onDecided).toHaveBeenCalledOnce());
    node.remove();
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
