import { nullTranslator } from '@jupyterlab/translation';
import type { Notebook } from '@jupyterlab/notebook';
import { Signal } from '@lumino/signaling';
import { Panel, Widget } from '@lumino/widgets';
import { afterEach, describe, expect, it } from 'vitest';
import * as Y from 'yjs';

import { RuntimeModel } from '../model/runtime';
import { InputPrompts } from './inputs';

/** A notebook of one cell, whose execution `e1` can ask for input. */
class Stage {
  constructor() {
    this.runtime.model.follow(this.document);
    const outputArea = new Panel();
    Object.assign(outputArea, {
      contentFactory: { createOutputPrompt: () => new Widget() }
    });
    const cell = { model: { id: 'c1', type: 'code' }, outputArea };
    Widget.attach(outputArea, document.body);
    document.body.append(this.elsewhere);
    this.prompts = new InputPrompts({
      notebook: { model: null, widgets: [cell] } as unknown as Notebook,
      runtime: this.runtime,
      translator: nullTranslator,
      onError: () => undefined
    });
  }

  ask(): HTMLInputElement {
    const requested_at = '2026-01-01T00:00:00.000Z';
    this.document.getMap('executions').set('e1', {
      cell_id: 'c1',
      status: 'waiting_input',
      requested_by: 'user:ada',
      requested_at,
      input: { prompt: 'Who? ', password: false, since: requested_at }
    });
    return document.querySelector('input.jp-Stdin-input')!;
  }

  /** The reply to the command that ran the cell comes. */
  reply(executionId: string): void {
    this.mine.add(executionId);
    this.runtime.awaited.emit(executionId);
  }

  readonly document = new Y.Doc();
  readonly elsewhere = document.createElement('textarea');
  readonly mine = new Set<string>();
  readonly runtime = {
    model: new RuntimeModel(),
    awaited: new Signal<object, string>({}),
    awaits: (id: string) => this.mine.has(id),
    command: () => Promise.resolve({ seq: 1, events: [] })
  };
  readonly prompts: InputPrompts;
}

describe('InputPrompts', () => {
  afterEach(() => {
    document.body.replaceChildren();
  });

  it('give the cursor to the person who ran the cell', () => {
    const stage = new Stage();
    stage.reply('e1');
    const prompt = stage.ask();
    expect(document.activeElement).toBe(prompt);
    stage.prompts.dispose();
  });

  it('give it also where the prompt was here before the reply', () => {
    const stage = new Stage();
    stage.elsewhere.focus();
    const prompt = stage.ask();
    expect(document.activeElement).toBe(stage.elsewhere);
    stage.reply('e1');
    expect(document.activeElement).toBe(prompt);
    stage.prompts.dispose();
  });

  it('leave it to a person who types elsewhere by then', () => {
    const stage = new Stage();
    stage.elsewhere.focus();
    stage.ask();
    stage.elsewhere.dispatchEvent(new KeyboardEvent('keydown', { key: 'a' }));
    stage.reply('e1');
    expect(document.activeElement).toBe(stage.elsewhere);
    stage.prompts.dispose();
  });

  it('leave it to everybody who ran something else', () => {
    const stage = new Stage();
    stage.elsewhere.focus();
    stage.ask();
    stage.reply('e2');
    expect(document.activeElement).toBe(stage.elsewhere);
    stage.prompts.dispose();
  });
});
