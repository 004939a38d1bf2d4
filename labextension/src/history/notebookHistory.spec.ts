import type { NotebookPanel } from '@jupyterlab/notebook';
import { nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import { describe, expect, it, vi } from 'vitest';
import * as Y from 'yjs';

import type { NotebookRuntime } from '../model/notebookRuntime';
import { NotebookHistory } from './notebookHistory';

function setUp({ writable = true, allowed = true, kept = 0 } = {}) {
  const owner = {};
  const sharedModel = { ydoc: new Y.Doc(), cells: [{ getId: () => 'c0' }] };
  const cells = { changed: new Signal<object, void>(owner) };
  const panel = {
    context: {
      contentsModel: { writable },
      model: { sharedModel, cells, readOnly: false }
    }
  };
  const command = vi.fn<NotebookRuntime['command']>();
  const reply = (...seqs: number[]) => {
    const events = seqs.map(seq => ({ seq }) as never);
    command.mockResolvedValueOnce({ seq: 0, events });
  };
  const runtime = {
    command,
    info: { writable: allowed },
    serverState: { seq: 9, kept: { seq: kept } },
    serverStateChanged: new Signal<object, void>(owner)
  };
  const history = new NotebookHistory({
    panel: panel as unknown as NotebookPanel,
    runtime: runtime as unknown as NotebookRuntime,
    trans: nullTranslator.load('jupyter_runt')
  });
  const asked = () =>
    command.mock.calls.map(([{ command_id, state_vector, ...rest }]) => {
      expect(command_id && state_vector).toBeTruthy();
      return rest;
    });
  return { asked, cells, history, reply };
}

describe('NotebookHistory', () => {
  it('restores a notebook or a cell, and takes that back alone', async () => {
    const { asked, history, reply } = setUp();
    reply(10);
    const undo = await history.restore(3);
    reply(11);
    await undo!();
    reply(12);
    const undoOther = await history.restore(3, 'c0');
    reply(13);
    await undoOther!();
    expect(asked()).toEqual([
      { type: 'restore_version', seq: 3, cell_ids: null },
      { type: 'undo_change', seq: 10 },
      { type: 'restore_version', seq: 3, cell_ids: ['c0'] },
      { type: 'undo_change', seq: 12 }
    ]);
  });

  it('offers no way back where nothing had to change', async () => {
    const { history, reply } = setUp();
    reply();
    expect(await history.restore(9)).toBeNull();
  });

  it('knows who may only read', () => {
    expect(setUp().history.isWritable).toBe(true);
    expect(setUp({ writable: false }).history.isWritable).toBe(false);
    expect(setUp({ allowed: false }).history.isWritable).toBe(false);
  });

  it('says when cells have other names, until it is disposed', () => {
    const { cells, history } = setUp();
    const onChange = vi.fn();
    history.namesChanged.connect(onChange);
    cells.changed.emit();
    expect(onChange).toHaveBeenCalledTimes(1);
    history.dispose();
    cells.changed.emit();
    expect(onChange).toHaveBeenCalledTimes(1);
  });
});
