import type { NotebookPanel } from '@jupyterlab/notebook';
import { nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import { afterEach, describe, expect, it, vi } from 'vitest';
import * as Y from 'yjs';

import type { NotebookRuntime } from '../model/notebookRuntime';
import { RuntimeModel } from '../model/runtime';
import { ServerClock } from '../model/serverClock';
import { NotebookControl } from './control';
import { RuntimeItem } from './statusItem';
import { createWords } from './words';

const AT = '2026-01-01T00:00:00.000Z';
const trans = nullTranslator.load('jupyter_runt');

/** The control of a notebook whose runtime the server writes. */
class Stage {
  constructor() {
    this.runtime.model.follow(this.document);
    this.runtime.clock.set('2026-01-01T00:00:12.000Z');
    const sharedModel = { ydoc: this.document };
    const words = createWords(sharedModel, { identity: null }, nullTranslator);
    this.control = new NotebookControl({
      panel: {
        context: { model: { sharedModel } }
      } as unknown as NotebookPanel,
      runtime: this.runtime as unknown as NotebookRuntime,
      words,
      trans,
      confirms: this.confirms
    });
    this.item = new RuntimeItem({ trans, onClick: vi.fn(), onStop: vi.fn() });
    this.item.follow(this.control);
  }

  /** The server says something of the kernel. */
  kernel(values: Record<string, unknown>): void {
    const runtime = this.document.getMap('runtime');
    this.document.transact(() => {
      runtime.clear();
      Object.entries(values).forEach(([key, value]) => runtime.set(key, value));
    });
  }

  /** The server says that a cell runs, and so many wait. */
  run(waiting: number): void {
    const executions = this.document.getMap('executions');
    this.document.transact(() => {
      for (let n = 0; n <= waiting; n++) {
        executions.set(`e${n}`, {
          cell_id: `c${n}`,
          status: n === 0 ? 'running' : 'requested',
          requested_by: 'user:local',
          requested_at: AT,
          ...(n === 0 && { started_at: AT })
        });
        this.document.getArray('queue').push([`e${n}`]);
      }
    });
  }

  part(name: string): HTMLElement {
    return this.item.node.querySelector(`.jp-runt-Runtime-${name}`)!;
  }

  get news(): HTMLElement {
    return this.item.node.querySelector('.jp-runt-news')!;
  }

  label(text: string): Promise<void> {
    return vi.waitFor(() => expect(this.part('label').textContent).toBe(text));
  }

  readonly confirms = vi.fn(() => Promise.resolve(false));
  readonly document = new Y.Doc();
  readonly command = vi.fn(() => Promise.resolve({ seq: 1, events: [] }));
  readonly runtime = {
    model: new RuntimeModel(),
    clock: new ServerClock(() => 0),
    connected: true,
    connectedChanged: new Signal<object, boolean>({}),
    command: this.command
  };
  readonly control: NotebookControl;
  readonly item: RuntimeItem;
}

let stage: Stage;

afterEach(() => {
  stage.item.dispose();
  stage.control.dispose();
});

const READY = { status: 'ready', since: AT, owner: 'user:local' };

describe('NotebookControl', () => {
  it('can do what the kernel is in a state for', () => {
    stage = new Stage();
    const possible = () =>
      Object.keys(stage.control.actions).filter(name =>
        stage.control.can(name as keyof typeof stage.control.actions)
      );
    expect(possible()).toEqual(['start', 'runAll', 'restartAndRunAll']);
    stage.kernel(READY);
    expect(possible()).not.toContain('start');
    expect(possible()).toContain('interrupt');
    expect(possible()).not.toContain('stopAll');
    stage.run(1);
    expect(possible()).toContain('stopAll');
    stage.runtime.connected = false;
    stage.runtime.connectedChanged.emit(false);
    expect(possible()).toEqual([]);
  });

  it('sends what was on the screen with what runs', async () => {
    stage = new Stage();
    await stage.control.perform('runAll');
    const [command] = stage.command.mock.lastCall as unknown as [object];
    expect(command).toMatchObject({ type: 'run_all' });
    expect(command).toHaveProperty('state_vector');
    await stage.control.perform('stopAll');
    expect(stage.command).toHaveBeenLastCalledWith(
      expect.not.objectContaining({ state_vector: expect.anything() as string })
    );
  });

  it('asks before something is lost, and nothing where nothing is', async () => {
    stage = new Stage();
    await stage.control.perform('stop');
    expect(stage.confirms).toHaveBeenCalledWith(stage.control.actions.stop);
    expect(stage.command).not.toHaveBeenCalled();
    stage.confirms.mockResolvedValue(true);
    await stage.control.perform('stop');
    expect(stage.command).toHaveBeenCalledOnce();
    await stage.control.perform('interrupt');
    expect(stage.confirms).toHaveBeenCalledTimes(2);
  });
});

describe('RuntimeItem', () => {
  it('says what the kernel does, and offers to stop what runs', async () => {
    stage = new Stage();
    stage.kernel(READY);
    await stage.label('Idle for 12 s');
    expect(stage.part('stop').hidden).toBe(true);
    stage.run(2);
    await stage.label('Running 1 of 3 · 12 s');
    expect(stage.part('stop').hidden).toBe(false);
    expect(stage.item.node.querySelector('progress')?.max).toBe(3);
    expect(stage.news.textContent).toBe('Cells run');
    expect(stage.item.isActive).toBe(true);
  });

  it('says nothing while there is no connection', async () => {
    stage = new Stage();
    const seen: boolean[] = [];
    stage.item.activeChanged.connect(item => {
      seen.push(item.isActive);
    });
    stage.runtime.connected = false;
    stage.runtime.connectedChanged.emit(false);
    await vi.waitFor(() => expect(seen).toEqual([false]));
  });

  it('tells a screen reader why a kernel is gone', async () => {
    stage = new Stage();
    stage.kernel(READY);
    await stage.label('Idle for 12 s');
    stage.kernel({ ...READY, status: 'lost', reason: 'It was killed.' });
    await stage.label('Kernel gone: It was killed.');
    expect(stage.news.textContent).toContain('It was killed.');
  });
});
