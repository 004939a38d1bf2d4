import type { CodeCellModel } from '@jupyterlab/cells';
import { type Notebook, NotebookModel } from '@jupyterlab/notebook';
import {
  markdownRendererFactory,
  RenderMimeRegistry
} from '@jupyterlab/rendermime';
import { nullTranslator } from '@jupyterlab/translation';
import { Panel, Widget } from '@lumino/widgets';
import { afterEach, describe, expect, it, vi } from 'vitest';
import * as Y from 'yjs';

import { runtMetadata } from '../model/cellType';
import { ChosenCells } from '../model/chosenCells';
import { Durations } from '../model/durations';
import { Names } from '../model/names';
import { TurnsModel } from '../model/turns';
import {
  ANSWER_MIME,
  type IApproval,
  type IModels,
  type ITurn
} from '../services/ai';
import { AIActions } from './actions';
import { AICells } from './aiCells';
import { Approvals } from './approvals';
import { Models } from './models';
import { ToolWords } from './toolWords';
import { TurnWords } from './turnWords';

const AT = '2026-01-01T00:00:00.000Z';
const LATER = '2026-01-01T00:05:00.000Z';
const trans = nullTranslator.load('jupyter_runt');

/** A notebook in which the first cell asks an AI. */
class Stage {
  constructor(models: Partial<IModels> = {}) {
    this.turns.follow(this.document);
    this.model.sharedModel.insertCells(0, [
      { cell_type: 'code', id: 'c0', source: 'Why?' },
      { cell_type: 'code', id: 'c1', source: '1 / 0' }
    ]);
    this.ai.setMetadata('runt', { type: 'ai' });
    this.cells = [...this.model.cells].map(
      model => new FakeCell(model as CodeCellModel)
    );
    const rendermime = new RenderMimeRegistry({
      initialFactories: [markdownRendererFactory]
    });
    const known = { models: [], providers: [], ...models };
    const actions = new AIActions({
      notebook: this.model,
      command: this.command,
      attempt: () => undefined,
      chosen: this.chosen,
      writePrompt: () => undefined,
      pick: () => undefined,
      reveal: () => Promise.resolve(),
      showContext: () => Promise.resolve(),
      showSettings: () => undefined
    });
    const names = new Names({}, () => 'ada', trans);
    const durations = new Durations('en', trans);
    this.view = new AICells({
      notebook: {
        model: this.model,
        widgets: this.cells,
        rendermime,
        codeMimetype: 'text/x-ipython'
      } as unknown as Notebook,
      turns: this.turns,
      chosen: this.chosen,
      approvals: new Approvals({
        turns: this.turns,
        read: () => Promise.resolve(this.decisions),
        onError: reason => {
          throw reason;
        }
      }),
      models: new Models(() => Promise.resolve(known)),
      actions,
      words: new TurnWords({ names, durations, trans }),
      tools: new ToolWords(trans),
      trans,
      loadLanguage: () => Promise.resolve(),
      now: () => Date.parse(AT) + 3000,
      isWritable: () => this.isWritable
    });
    open.push(this);
  }

  /** The server says something of the turn. */
  says({ text, ...values }: Partial<ITurn>): void {
    this.document.transact(() => {
      const turns = this.document.getMap<Y.Map<unknown>>('turns');
      if (!turns.has('t1')) {
        turns.set(
          't1',
          new Y.Map<unknown>([
            ['turn_id', 't1'],
            ['cell_id', 'c0'],
            ['model', 'demo/parrot'],
            ['status', 'running'],
            ['requested_by', 'user:ada'],
            ['requested_at', AT],
            ['items', new Y.Array()],
            ['text', new Y.Text()]
          ])
        );
      }
      const turn = turns.get('t1')!;
      const written = turn.get('text') as Y.Text;
      written.insert(written.length, text ?? '');
      for (const [key, value] of Object.entries(values)) {
        turn.set(key, value);
      }
    });
  }

  /** A call of a tool waits for somebody. */
  waits(requested_by: string): void {
    this.document.getMap('approvals').set('k1', {
      call_id: 'k1',
      turn_id: 't1',
      cell_id: 'c0',
      tool: 'run_cells',
      effect: 'execute',
      requested_by,
      requested_at: AT,
      expires_at: LATER
    });
  }

  part(name: string): HTMLElement | null {
    return this.cells[0].node.querySelector(`.jp-runt-${name}`);
  }

  /** What the bar below the prompt offers. */
  get offered(): (string | undefined)[] {
    const buttons = this.part('TurnBar')?.querySelectorAll('button') ?? [];
    return [...buttons]
      .filter(({ hidden }) => !hidden)
      .map(({ dataset }) => dataset['action']);
  }

  get ai() {
    return this.model.sharedModel.cells[0];
  }

  readonly document = new Y.Doc();
  readonly turns = new TurnsModel();
  readonly chosen = new ChosenCells();
  readonly model = new NotebookModel({ collaborationEnabled: true });
  readonly cells: FakeCell[];
  readonly view: AICells;
  readonly command = vi.fn(() => Promise.resolve({ seq: 1, events: [] }));
  decisions: IApproval[] = [];
  isWritable = true;
}

class FakeCell extends Panel {
  constructor(readonly model: CodeCellModel) {
    super();
    for (const part of ['jp-Cell-inputWrapper', 'jp-Cell-outputWrapper']) {
      const widget = new Widget();
      widget.addClass(part);
      this.addWidget(widget);
    }
  }

  isPlaceholder(): boolean {
    return false;
  }

  readonly editorWidget = null;
  readonly editorConfig = {};
  readonly updateEditorConfig = vi.fn();
}

const open: Stage[] = [];

afterEach(() => {
  open.splice(0).forEach(({ view }) => view.dispose());
});

describe('AICells', () => {
  it('makes an AI cell of a cell that is one, as long as it is', async () => {
    const stage = new Stage();
    const [cell, other] = stage.cells;
    await vi.waitFor(() => expect(stage.part('PromptHeader')).not.toBe(null));
    expect(cell.hasClass('jp-runt-AICell')).toBe(true);
    expect(cell.model.mimeType).toBe('text/x-ipythongfm');
    expect(other.hasClass('jp-runt-AICell')).toBe(false);
    cell.model.mimeType = 'text/x-ipython'; // as the notebook does
    expect(cell.model.mimeType).toBe('text/x-ipythongfm');
    stage.ai.deleteMetadata('runt');
    await vi.waitFor(() => expect(stage.part('PromptHeader')).toBe(null));
    expect(cell.model.mimeType).toBe('text/x-ipython');
    expect(cell.widgets.length).toBe(2);
  });

  it('shows an answer as it grows, until the outputs have it', async () => {
    const stage = new Stage();
    stage.says({ text: 'It is *zero*' });
    await vi.waitFor(() =>
      expect(stage.part('mod-live')?.textContent).toContain('It is *zero*')
    );
    expect(stage.part('TurnBar')?.textContent).toContain('Answering: 3 s');
    expect(stage.offered).toEqual(['stop', 'shown']);
    stage.says({ text: ', so.', status: 'ok', completed_at: LATER });
    await vi.waitFor(() =>
      expect(stage.part('mod-live')?.textContent).toContain('zero*, so.')
    );
    const [cell] = stage.cells;
    expect(cell.hasClass('jp-runt-mod-answering')).toBe(true);
    cell.model.outputs.add({
      output_type: 'display_data',
      metadata: {},
      data: { [ANSWER_MIME]: { turn_id: 't1', items: [] } }
    });
    expect(cell.hasClass('jp-runt-mod-answering')).toBe(false);
    expect(stage.part('mod-live')?.textContent).toBe('');
  });

  it('shows no old answer that the outputs do not have any more', async () => {
    const stage = new Stage();
    stage.says({ text: 'old', status: 'ok', completed_at: LATER });
    await vi.waitFor(() =>
      expect(stage.part('TurnBar')?.textContent).toContain('Answered in 5 min')
    );
    expect(stage.part('mod-live')?.textContent).toBe('');
  });

  it('offers nothing for answers that the server knows nothing of', async () => {
    const stage = new Stage();
    const answer = {
      turn_id: 'x1',
      prompt: 'Before?',
      items: [],
      status: 'ok'
    };
    const turns = [answer, { ...answer, turn_id: 'x2', prompt: 'Why?' }];
    stage.ai.setMetadata('runt', { type: 'ai', turns });
    stage.cells[0].model.outputs.add({
      output_type: 'display_data',
      metadata: {},
      data: { [ANSWER_MIME]: turns[1] }
    });
    await vi.waitFor(() =>
      expect(stage.part('Earlier')?.textContent).toBe('1 earlier question')
    );
    expect(stage.part('TurnBar')?.classList).toContain('lm-mod-hidden');
    expect(stage.part('Approval')).toBe(null);
  });

  it('offers to undo what an answer changed, once', async () => {
    const stage = new Stage();
    const call = new Y.Map([
      ['type', 'tool'],
      ['tool', 'create_cell'],
      ['effect', 'edit'],
      ['status', 'ok']
    ]);
    stage.says({ text: 'Made.', status: 'ok', completed_at: LATER });
    const turn = stage.document.getMap<Y.Map<Y.Array<unknown>>>('turns');
    turn.get('t1')!.get('items')!.push([call]);
    await vi.waitFor(() => expect(stage.offered).toContain('undo'));
    stage.says({ undone: true });
    await vi.waitFor(() => expect(stage.offered).not.toContain('undo'));
    expect(stage.part('TurnBar')?.textContent).toContain(
      'its changes were undone'
    );
  });

  it('offers nothing to do to who may only read', async () => {
    const stage = new Stage();
    stage.isWritable = false;
    stage.says({ text: 'It is' });
    await vi.waitFor(() => expect(stage.offered).toEqual(['shown']));
    const select = stage.part('ModelPicker') as HTMLSelectElement;
    expect(select.disabled).toBe(true);
  });

  it('says why an answer ends early, and keeps what had come', async () => {
    const stage = new Stage();
    stage.says({ text: 'Half' });
    await vi.waitFor(() => expect(stage.part('mod-live')).not.toBe(null));
    stage.says({ status: 'error', error: 'The key was refused.' });
    await vi.waitFor(() =>
      expect(stage.part('Answer-end')?.textContent).toBe('The key was refused.')
    );
    expect(stage.part('mod-live')?.textContent).toContain('Half');
    expect(stage.offered).not.toContain('keys');
  });

  it('lets only who may decide press something', async () => {
    const stage = new Stage();
    stage.decisions = [
      {
        call_id: 'k1',
        turn_id: 't1',
        tool: 'run_cells',
        effect: 'execute',
        arguments: { cell_ids: ['c1'] },
        preview: 'print("<b>exactly</b>")',
        arguments_hash: 'h1',
        nonce: 'n1',
        requested_at: AT,
        expires_at: LATER
      }
    ];
    stage.says({ status: 'waiting' });
    stage.waits('user:ada');
    await vi.waitFor(() =>
      expect(stage.part('Approval-preview')?.textContent).toBe(
        'print("<b>exactly</b>")\n'
      )
    );
    expect(stage.part('Approval-where')?.textContent).toBe('Cell 2: 1 / 0');
    const [once, always, deny] = stage
      .part('Approval-actions')!
      .querySelectorAll('button');
    expect(once.closest('.jp-Cell-outputWrapper')).toBe(null);
    expect([always, deny].map(({ dataset }) => dataset['decision'])).toEqual([
      'always',
      'deny'
    ]);
    once.click();
    deny.click(); // too late
    expect(stage.command).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({
        type: 'decide_approval',
        call_id: 'k1',
        decision: 'once',
        arguments_hash: 'h1',
        nonce: 'n1'
      })
    );
    stage.document.getMap('approvals').delete('k1');
    await vi.waitFor(() => expect(stage.part('Approval')).toBe(null));
  });

  it('tells others for whom a call waits, without buttons', async () => {
    const stage = new Stage();
    stage.says({ status: 'waiting' });
    stage.waits('user:bob');
    await vi.waitFor(() =>
      expect(stage.part('Approval-title')?.textContent).toBe(
        'Waits for a decision by bob: Run cells (runs code)'
      )
    );
    expect(stage.part('Approval-actions')?.hidden).toBe(true);
  });

  it('remembers the model that was chosen', async () => {
    const stage = new Stage({
      models: [
        { id: 'a/one', provider: 'a', capabilities: [] },
        { id: 'a/two', provider: 'a', capabilities: [] }
      ],
      providers: [
        { name: 'a', ready: true },
        { name: 'b', ready: false, problem: 'There is no key.' }
      ]
    });
    await vi.waitFor(() =>
      expect(stage.part('ModelPicker')?.textContent).toContain('two')
    );
    const select = stage.part('ModelPicker') as HTMLSelectElement;
    expect(select.textContent).toContain('There is no key.');
    select.value = 'a/two';
    select.dispatchEvent(new Event('change'));
    const { sharedModel } = stage.model;
    expect(runtMetadata(stage.ai)).toEqual({ type: 'ai', model: 'a/two' });
    expect(runtMetadata(sharedModel)).toEqual({ model: 'a/two' });
    select.value = '';
    select.dispatchEvent(new Event('change'));
    expect(runtMetadata(stage.ai)).toEqual({ type: 'ai' });
    expect(sharedModel.getMetadata('runt')).toBe(undefined);
  });

  it('helps where there is no model', async () => {
    const stage = new Stage({
      providers: [{ name: 'openai', ready: false, problem: 'There is no key.' }]
    });
    await vi.waitFor(() =>
      expect(stage.part('PromptHeader-help')?.textContent).toContain(
        'There is no key.'
      )
    );
  });
});
