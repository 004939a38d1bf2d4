import type { YNotebook } from '@jupyter/ydoc';
import { Notification } from '@jupyterlab/apputils';
import type { Cell } from '@jupyterlab/cells';
import {
  type INotebookCellExecutor,
  NotebookModel
} from '@jupyterlab/notebook';
import { nullTranslator } from '@jupyterlab/translation';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import * as Y from 'yjs';

import type { Command } from '../generated/commands';
import { ChosenCells } from '../model/chosenCells';
import type { NotebookRuntime } from '../model/notebookRuntime';
import {
  type ExecutionStatus,
  type ICommandReply,
  type IExecution,
  RuntError
} from '../services/client';
import { ServerCellExecutor } from './executor';

type Run = INotebookCellExecutor.IRunCellOptions;

/** A server that ends the execution of a cell as it is told to. */
class Server {
  constructor(readonly statuses: Record<string, ExecutionStatus> = {}) {}

  readonly command = vi.fn((command: Command): Promise<ICommandReply> => {
    const cells = command.type === 'execute_cells' ? command.cell_ids : [];
    const events = cells.map((cell_id, index) => ({
      seq: index + 1,
      name: 'v1.ExecutionRequested' as const,
      actor: 'user:ada',
      payload: {
        execution_id: `of ${cell_id}`,
        cell_id,
        source: '',
        document_seq: 0,
        requested_by: 'user:ada'
      }
    }));
    return Promise.resolve({ seq: events.length, events });
  });

  readonly chosen = new ChosenCells();

  completion(executionId: string): Promise<IExecution> {
    const cell_id = executionId.slice('of '.length);
    const status = this.statuses[cell_id] ?? 'ok';
    const error =
      status === 'error' ? { ename: 'NameError', evalue: 'x' } : null;
    const requested_at = '2026-01-01T00:00:00.000Z';
    const requested_by = 'user:ada';
    return Promise.resolve({
      cell_id,
      status,
      error,
      requested_by,
      requested_at
    });
  }
}

function notebookOf(...sources: string[]): NotebookModel {
  const notebook = new NotebookModel({ collaborationEnabled: true });
  notebook.sharedModel.insertCells(
    0,
    sources.map((source, index) => ({
      cell_type: 'code',
      id: `c${index}`,
      source,
      metadata: {}
    }))
  );
  return notebook;
}

function setUp(server: Server, notebook: NotebookModel, selected = true) {
  const executor = new ServerCellExecutor({
    runtimes: { get: () => server as unknown as NotebookRuntime },
    translator: nullTranslator
  });
  const onCellExecuted = vi.fn<Run['onCellExecuted']>();
  const onCellExecutionScheduled = vi.fn<Run['onCellExecutionScheduled']>();
  const sessionContext = {
    hasNoKernel: false,
    startKernel: vi.fn(() => {
      sessionContext.hasNoKernel = false;
      return Promise.resolve(false);
    })
  };
  const run = (index: number): Promise<boolean> =>
    executor.runCell({
      cell: {
        model: notebook.cells.get(index),
        isDisposed: false,
        hasClass: () => selected
      } as unknown as Cell,
      notebook,
      sessionContext: sessionContext as unknown as Run['sessionContext'],
      onCellExecuted,
      onCellExecutionScheduled
    } as unknown as Run);
  return { run, onCellExecuted, onCellExecutionScheduled, sessionContext };
}

describe('ServerCellExecutor', () => {
  beforeEach(() => {
    vi.restoreAllMocks();
  });

  it('sends the cells of one gesture as one command, in their order', async () => {
    const server = new Server();
    const notebook = notebookOf('a = 1', 'a', 'b');
    const { run } = setUp(server, notebook);
    const ran = await Promise.all([run(2), run(0), run(1)]);
    expect(ran).toEqual([true, true, true]);
    expect(server.command).toHaveBeenCalledExactlyOnceWith({
      type: 'execute_cells',
      cell_ids: ['c2', 'c0', 'c1'],
      stop_on_error: true,
      command_id: expect.any(String) as string,
      state_vector: expect.any(String) as string
    });
  });

  it('sends the cells of two gestures as two commands', async () => {
    const server = new Server();
    const { run } = setUp(server, notebookOf('a = 1'));
    await run(0);
    await run(0);
    const ids = server.command.mock.calls.map(([{ command_id }]) => command_id);
    expect(new Set(ids).size).toBe(2);
  });

  it('says what was on the screen when the person ran the cell', async () => {
    const server = new Server();
    const notebook = notebookOf('a = 1');
    const { run, sessionContext } = setUp(server, notebook);
    const { ydoc } = notebook.sharedModel as YNotebook;
    const seen = Y.encodeStateVector(ydoc);
    sessionContext.hasNoKernel = true;
    sessionContext.startKernel.mockImplementation(() => {
      notebook.cells.get(0).sharedModel.setSource('typed meanwhile');
      sessionContext.hasNoKernel = false;
      return Promise.resolve(false);
    });
    await run(0);
    const [{ state_vector }] = server.command.mock.calls[0];
    const sent = Uint8Array.from(atob(state_vector!), c => c.charCodeAt(0));
    expect(sent).toEqual(seen);
  });

  it('starts one kernel for all cells where there is none', async () => {
    const server = new Server();
    const { run, sessionContext } = setUp(server, notebookOf('a', 'b'));
    sessionContext.hasNoKernel = true;
    await Promise.all([run(0), run(1)]);
    expect(sessionContext.startKernel).toHaveBeenCalledOnce();
    expect(server.command).toHaveBeenCalledOnce();
  });

  it('runs nothing where the person chose no kernel', async () => {
    const server = new Server();
    const { run, sessionContext } = setUp(server, notebookOf('a'));
    sessionContext.hasNoKernel = true;
    sessionContext.startKernel.mockResolvedValue(true);
    expect(await run(0)).toBe(true);
    expect(server.command).not.toHaveBeenCalled();
  });

  it('tells how each cell ended', async () => {
    const server = new Server({ c1: 'error', c2: 'cancelled' });
    const { run, onCellExecuted, onCellExecutionScheduled } = setUp(
      server,
      notebookOf('a', 'b', 'c')
    );
    const ran = await Promise.all([run(0), run(1), run(2)]);
    expect(ran).toEqual([true, false, false]);
    expect(onCellExecutionScheduled).toHaveBeenCalledTimes(3);
    const ends = onCellExecuted.mock.calls.map(([{ success, error }]) => [
      success,
      error?.errorName
    ]);
    expect(ends).toEqual([
      [true, undefined],
      [false, 'NameError'],
      [false, '']
    ]);
  });

  it('tells the person why the server refused, and ends every cell', async () => {
    const notify = vi.spyOn(Notification, 'error').mockReturnValue('id');
    const server = new Server();
    server.command.mockRejectedValue(
      new RuntError('not_authorized', 'You may not run cells here.')
    );
    const { run, onCellExecuted } = setUp(server, notebookOf('a', 'b'));
    expect(await Promise.all([run(0), run(1)])).toEqual([false, false]);
    expect(onCellExecuted).toHaveBeenCalledTimes(2);
    expect(notify).toHaveBeenCalledOnce();
    expect(notify.mock.calls[0][0]).toContain('You may not run cells here.');
  });

  it('tells the person why no kernel starts, and ends every cell', async () => {
    const notify = vi.spyOn(Notification, 'error').mockReturnValue('id');
    const { run, sessionContext } = setUp(new Server(), notebookOf('a'));
    sessionContext.hasNoKernel = true;
    sessionContext.startKernel.mockRejectedValue(new Error('No memory.'));
    expect(await run(0)).toBe(false);
    expect(notify.mock.calls[0][0]).toContain('No memory.');
  });

  it('clears an empty cell, as JupyterLab does, and runs nothing', async () => {
    const server = new Server();
    const notebook = notebookOf('  \n');
    const { run } = setUp(server, notebook);
    expect(await run(0)).toBe(true);
    expect(server.command).not.toHaveBeenCalled();
  });

  it('asks an AI cell that is run alone, without a kernel', async () => {
    const server = new Server();
    const notebook = notebookOf('Why?', 'a');
    notebook.cells.get(0).sharedModel.setMetadata('runt', { type: 'ai' });
    const { run, sessionContext } = setUp(server, notebook);
    server.chosen.choose('c0', ['c5']);
    expect(await run(0)).toBe(true);
    expect(sessionContext.startKernel).not.toHaveBeenCalled();
    expect(server.command.mock.calls).toMatchObject([
      [{ type: 'ask', cell_id: 'c0', cells: ['c5'] }]
    ]);
  });

  it('asks no AI cell when all cells are run', async () => {
    const server = new Server();
    const notebook = notebookOf('Why?', 'a');
    notebook.cells.get(0).sharedModel.setMetadata('runt', { type: 'ai' });
    const { run } = setUp(server, notebook, false);
    expect(await Promise.all([run(0), run(1)])).toEqual([true, true]);
    expect(server.command.mock.calls).toMatchObject([
      [{ type: 'execute_cells', cell_ids: ['c1'] }]
    ]);
  });

  it('asks AI cells among the selected ones', async () => {
    const server = new Server();
    const notebook = notebookOf('a', 'Why?');
    notebook.cells.get(1).sharedModel.setMetadata('runt', { type: 'ai' });
    const { run, onCellExecuted } = setUp(server, notebook);
    expect(await Promise.all([run(0), run(1)])).toEqual([true, true]);
    expect(server.command.mock.calls).toMatchObject([
      [{ type: 'execute_cells', cell_ids: ['c0', 'c1'] }]
    ]);
    expect(onCellExecuted).toHaveBeenCalledTimes(1);
  });
});
