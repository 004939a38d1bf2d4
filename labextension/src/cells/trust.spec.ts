import type { YCodeCell, YNotebook } from '@jupyter/ydoc';
import type { ICodeCellModel } from '@jupyterlab/cells';
import { NotebookModel } from '@jupyterlab/notebook';
import { Signal } from '@lumino/signaling';
import { describe, expect, it } from 'vitest';
import * as Y from 'yjs';

import { RuntimeModel } from '../model/runtime';
import type { IExecution, INotebookInfo } from '../services/client';
import { TrustKeeper } from './trust';

const HTML = { 'text/html': '<script>1</script>' };

class Runtime {
  readonly model = new RuntimeModel();
  readonly infoChanged = new Signal<this, INotebookInfo>(this);
  readonly document = new Y.Doc();

  constructor(public info: INotebookInfo | null) {
    this.model.follow(this.document);
  }

  ran(execution: Partial<IExecution>): void {
    this.document.getMap('executions').set('e1', {
      cell_id: 'c1',
      status: 'running',
      requested_by: 'user:ada',
      requested_at: '2026-01-01T00:00:00.000Z',
      started_at: '2026-01-01T00:00:01.000Z',
      ...execution
    });
  }
}

/** Another replica of the notebook, whose edits arrive at once. */
class Peer {
  constructor(readonly other: Y.Doc) {
    Y.applyUpdate(this.document, Y.encodeStateAsUpdate(other), this);
    this.document.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== this) {
        Y.applyUpdate(other, update, this);
      }
    });
    other.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== this) {
        Y.applyUpdate(this.document, update, this);
      }
    });
  }

  readonly document = new Y.Doc();

  get outputs(): Y.Array<unknown> {
    const cells = this.document.getArray<Y.Map<unknown>>('cells');
    return cells.get(0).get('outputs') as Y.Array<unknown>;
  }

  show(data: object = HTML): void {
    this.outputs.push([
      new Y.Map<unknown>([
        ['output_type', 'display_data'],
        ['data', data],
        ['metadata', {}]
      ])
    ]);
  }

  print(text: string): Y.Text {
    const ytext = new Y.Text(text);
    this.outputs.push([
      new Y.Map<unknown>([
        ['output_type', 'stream'],
        ['name', 'stdout'],
        ['text', ytext]
      ])
    ]);
    return ytext;
  }
}

function setUp(options: { before?: (server: Peer) => void } = {}) {
  const notebook = new NotebookModel({ collaborationEnabled: true });
  const { ydoc } = notebook.sharedModel as YNotebook;
  notebook.sharedModel.insertCell(0, {
    cell_type: 'code',
    id: 'c1',
    source: '',
    metadata: {}
  });
  const server = new Peer(ydoc);
  const signed = new Peer(ydoc);
  options.before?.(server);
  const info = {
    notebook_id: 'n1',
    runtime_room_id: 'r1',
    server_clients: [server.document.clientID],
    trusted_clients: [signed.document.clientID],
    now: '2026-01-01T00:00:00.000Z',
    user: 'user:ada',
    writable: true,
    host: 'here'
  };
  const runtime = new Runtime(info);
  const keeper = new TrustKeeper({ notebook, runtime });
  const cell = notebook.cells.get(0) as ICodeCellModel;
  return { cell, info, keeper, notebook, runtime, server, signed, ydoc };
}

describe('TrustKeeper', () => {
  it('trusts what the server wrote for an execution of a person', () => {
    const { cell, runtime, server } = setUp();
    runtime.ran({});
    server.show();
    expect(cell.trusted).toBe(true);
    expect(cell.outputs.trusted).toBe(true);
    expect(cell.outputs.get(0).trusted).toBe(true);
  });

  it('trusts what was there before a late joiner came', () => {
    const { cell, runtime } = setUp({ before: server => server.show() });
    expect(cell.outputs.get(0).trusted).toBe(false);
    runtime.ran({ status: 'ok' });
    expect(cell.outputs.get(0).trusted).toBe(true);
  });

  it('writes nothing into the document where it trusts', () => {
    const { runtime, server, ydoc } = setUp({
      before: server => server.show()
    });
    const before = Y.encodeStateVector(ydoc);
    runtime.ran({ status: 'ok' });
    expect(Y.encodeStateVector(ydoc)).toEqual(before);
    expect(server.outputs.length).toBe(1);
  });

  it('does not trust the outputs of an execution that an agent asked for', () => {
    const { cell, runtime, server } = setUp();
    runtime.ran({ requested_by: 'agent:t1' });
    server.show();
    expect(cell.outputs.trusted).toBe(false);
  });

  it('does not trust the outputs of before the execution has started', () => {
    const { cell, runtime } = setUp({ before: server => server.show() });
    runtime.ran({ status: 'requested', started_at: null });
    expect(cell.outputs.trusted).toBe(false);
  });

  it('leaves outputs as they are while the cell waits to run again', () => {
    const { cell, runtime, server } = setUp();
    runtime.ran({ status: 'ok' });
    server.show();
    const output = cell.outputs.get(0);
    const waiting = { status: 'requested', started_at: null } as const;
    runtime.ran({ ...waiting, requested_by: 'user:bob' });
    expect(cell.outputs.trusted).toBe(true);
    expect(cell.outputs.get(0)).toBe(output);
    runtime.ran({ ...waiting, requested_by: 'agent:t1' });
    expect(cell.outputs.trusted).toBe(false);
  });

  it('does not trust outputs that no known execution made', () => {
    const { cell, server } = setUp();
    server.show();
    expect(cell.outputs.trusted).toBe(false);
  });

  it('stops trusting before an output of a peer is shown', () => {
    const { cell, runtime, server, ydoc } = setUp();
    runtime.ran({});
    server.show();
    const shown: boolean[] = [];
    cell.outputs.changed.connect((_, { type, newValues }) => {
      if (type === 'add') {
        shown.push(...newValues.map(({ trusted }) => trusted));
      }
    });
    new Peer(ydoc).show();
    expect(shown).toEqual([false]);
    expect(cell.outputs.get(0).trusted).toBe(false);
  });

  it('stops trusting where a peer changed an output of the server', () => {
    const { cell, runtime, server, ydoc } = setUp();
    runtime.ran({});
    server.show();
    const output = new Peer(ydoc).outputs.get(0) as Y.Map<unknown>;
    output.set('data', HTML);
    expect(cell.outputs.trusted).toBe(false);
  });

  it('does not trust plain outputs of a peer either', () => {
    const { cell, runtime, ydoc } = setUp();
    runtime.ran({});
    const output = { output_type: 'display_data', data: HTML, metadata: {} };
    new Peer(ydoc).outputs.push([output]);
    expect(cell.outputs.trusted).toBe(false);
  });

  it('does not let a cleared cell trust what a peer writes next', () => {
    const { cell, ydoc } = setUp();
    cell.clearExecution();
    expect(cell.outputs.trusted).toBe(true);
    new Peer(ydoc).show();
    expect(cell.outputs.get(0).trusted).toBe(false);
  });

  it('keeps what a person trusted here by hand', () => {
    const { cell, server } = setUp({ before: server => server.show() });
    expect(cell.trusted).toBe(false);
    cell.trusted = true;
    expect(cell.trusted).toBe(true);
    expect(cell.outputs.get(0).trusted).toBe(true);
    server.show();
    expect(cell.trusted).toBe(false);
    expect(cell.outputs.get(0).trusted).toBe(false);
  });

  it('trusts what was in a file that the notary had signed', () => {
    const { cell, signed } = setUp();
    signed.show();
    expect(cell.outputs.get(0).trusted).toBe(true);
  });

  it('trusts nothing until the server has said what it writes as', () => {
    const { cell, info, runtime, server } = setUp();
    runtime.info = null;
    runtime.ran({});
    server.show();
    expect(cell.outputs.get(0).trusted).toBe(false);
    runtime.info = info;
    runtime.infoChanged.emit(info);
    expect(cell.outputs.get(0).trusted).toBe(true);
  });

  it('shows a stream that grows while trust changes', () => {
    const { cell, runtime, server } = setUp();
    const text = server.print('a');
    runtime.ran({});
    text.insert(1, 'b');
    expect(cell.outputs.trusted).toBe(true);
    expect(cell.outputs.get(0).toJSON()).toMatchObject({ text: 'ab' });
  });

  it('leaves the cells alone once it is disposed', () => {
    const { cell, keeper, runtime } = setUp({
      before: server => server.show()
    });
    keeper.dispose();
    keeper.dispose();
    runtime.ran({});
    expect(cell.outputs.trusted).toBe(false);
  });

  it('follows a cell that a peer moved', () => {
    const { keeper, notebook, runtime, ydoc } = setUp();
    runtime.ran({});
    notebook.sharedModel.insertCell(1, {
      cell_type: 'code',
      id: 'c2',
      source: '',
      metadata: {}
    });
    notebook.sharedModel.moveCell(0, 1);
    const moved = notebook.cells.get(1) as ICodeCellModel;
    expect(moved.id).toBe('c1');
    expect(moved.outputs.trusted).toBe(true);
    const { ymodel } = moved.sharedModel as YCodeCell;
    const peer = new Peer(ydoc);
    const cells = peer.document.getArray<Y.Map<unknown>>('cells');
    (cells.get(1).get('outputs') as Y.Array<unknown>).push([
      { output_type: 'display_data', data: HTML, metadata: {} }
    ]);
    expect((ymodel.get('outputs') as Y.Array<unknown>).length).toBe(1);
    expect(moved.outputs.trusted).toBe(false);
    keeper.dispose();
  });

  it('tells once of all cells that come at once', () => {
    const { keeper, notebook } = setUp();
    let told = 0;
    const watch = () => {
      for (const cell of notebook.cells) {
        cell.stateChanged.disconnect(count);
        cell.stateChanged.connect(count);
      }
    };
    const count = (_: unknown, { name }: { name: string }) => {
      told += name === 'trusted' ? 1 : 0;
    };
    notebook.cells.changed.disconnect(keeper['_onCells'], keeper);
    notebook.cells.changed.connect(watch);
    notebook.cells.changed.connect(keeper['_onCells'], keeper);
    notebook.sharedModel.insertCells(
      1,
      Array.from({ length: 20 }, (_, index) => ({
        cell_type: 'code',
        id: `new${index}`,
        source: '',
        metadata: {}
      }))
    );
    expect(told).toBe(1);
    expect([...notebook.cells].every(({ trusted }) => trusted)).toBe(true);
    keeper.dispose();
  });
});
