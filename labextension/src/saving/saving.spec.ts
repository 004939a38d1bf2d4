import { Signal } from '@lumino/signaling';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as Y from 'yjs';

import type { IServerState } from '../services/runtimeRoom';
import type { EditKeep, IKeptEdits, IKeptRecord } from './keep';
import { NotebookSaving, type StrandedEdits } from './saving';

/** What a browser keeps. */
class Keep {
  readonly records = new Map<number, IKeptRecord>();
  private _last = 0;

  put(
    edits: Omit<IKeptEdits, 'owner'>,
    instead: readonly number[]
  ): Promise<number> {
    const id = ++this._last;
    this.records.set(id, { ...edits, owner: 'user:ada', id });
    return this.forget(instead).then(() => id);
  }

  forget(ids: readonly number[]): Promise<void> {
    ids.forEach(id => this.records.delete(id));
    return Promise.resolve();
  }

  ofDocument(room: string, history: string): Promise<IKeptRecord[]> {
    return this._where(one => one.room === room && one.history === history);
  }

  ofPlace(place: string): Promise<IKeptRecord[]> {
    return this._where(one => one.place === place);
  }

  private _where(test: (one: IKeptRecord) => boolean): Promise<IKeptRecord[]> {
    return Promise.resolve([...this.records.values()].filter(test));
  }
}

/** A server's document, and its room as a tab's provider shows it. */
class Server {
  readonly document = new Y.Doc();
  history = 'h1';

  constructor() {
    const cell = new Y.Map<unknown>();
    cell.set('id', 'c1');
    cell.set('source', new Y.Text('start'));
    this.document.getArray('cells').push([cell]);
  }

  state(status: 'saved' | 'saving' = 'saved'): IServerState {
    const vector = Y.encodeStateVector(this.document);
    const state_vector = btoa(String.fromCharCode(...vector));
    return { seq: 1, state_vector, save: { status, at: null } };
  }
}

class Socket extends EventTarget {
  readyState = WebSocket.OPEN;
  readonly sent: Uint8Array[] = [];

  send(frame: Uint8Array): void {
    this.sent.push(frame);
  }

  answer(): void {
    const { buffer } = new Uint8Array([0, 1, 0]);
    this.dispatchEvent(new MessageEvent('message', { data: buffer }));
  }
}

class Provider {
  readonly roomname = 'json:notebook:n1';
  readonly url: string;
  ws: Socket | null = new Socket();
  synced = false;
  private _listeners = new Map<string, Set<(value: unknown) => void>>();

  constructor(history: string) {
    this.url = `ws://localhost/room/${this.roomname}?sessionId=${history}`;
  }

  on(name: string, listener: (value: unknown) => void): void {
    const listeners = this._listeners.get(name) ?? new Set();
    this._listeners.set(name, listeners.add(listener));
  }

  off(name: string, listener: (value: unknown) => void): void {
    this._listeners.get(name)?.delete(listener);
  }

  disconnect = vi.fn();

  emit(name: string, value: unknown): void {
    this._listeners.get(name)?.forEach(listener => listener(value));
  }
}

/** A tab that has the notebook open. */
class Tab {
  readonly document = new Y.Doc();
  readonly provider: Provider;
  readonly runtime = {
    serverState: null as IServerState | null,
    serverStateChanged: new Signal<object, IServerState>({})
  };
  readonly onStranded = vi.fn<(edits: StrandedEdits[]) => void>();
  readonly saving: NotebookSaving;

  constructor(
    readonly server: Server,
    keep: Keep | null
  ) {
    this.provider = new Provider(server.history);
    this.saving = new NotebookSaving({
      document: this.document,
      runtime: this.runtime,
      keep: Promise.resolve(keep as unknown as EditKeep | null),
      place: () => 'http://localhost/nb.ipynb',
      writable: () => true,
      onStranded: this.onStranded
    });
  }

  get source(): Y.Text {
    const cells = this.document.getArray<Y.Map<Y.Text>>('cells');
    return cells.get(0).get('source')!;
  }

  get state(): string {
    return this.saving.state.kind;
  }

  async connect(): Promise<this> {
    const { server, provider, document } = this;
    const missing = Y.encodeStateAsUpdate(document);
    const update = Y.encodeStateAsUpdate(server.document);
    Y.applyUpdate(document, update, provider);
    Y.applyUpdate(server.document, missing);
    provider.synced = true;
    provider.ws = new Socket();
    provider.emit('sync', true);
    await vi.advanceTimersByTimeAsync(0);
    return this;
  }

  disconnect(code = 1006, reason = ''): void {
    this.provider.emit('connection-close', { code, reason });
    this.provider.ws = null;
    this.provider.synced = false;
    this.provider.emit('sync', false);
  }

  /** The server receives all, and says what it has. */
  async deliver(): Promise<void> {
    Y.applyUpdate(this.server.document, Y.encodeStateAsUpdate(this.document));
    await this.hear(this.server.state());
  }

  async hear(state: IServerState): Promise<void> {
    this.runtime.serverState = state;
    this.runtime.serverStateChanged.emit(state);
    await vi.advanceTimersByTimeAsync(0);
  }
}

describe('NotebookSaving', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('keeps an edit until the server has it', async () => {
    const keep = new Keep();
    const tab = await new Tab(new Server(), keep).connect();
    expect(tab.state).toBe('unknown');
    await tab.hear(tab.server.state());
    expect(tab.state).toBe('saved');
    tab.source.insert(5, ' more');
    expect(tab.state).toBe('saving');
    await vi.advanceTimersByTimeAsync(100);
    const [record] = keep.records.values();
    expect(record.texts).toEqual({ c1: 'start more' });
    await tab.deliver();
    expect(tab.state).toBe('saved');
    expect(keep.records.size).toBe(0);
  });

  it('asks the server for what no state vector tells', async () => {
    const keep = new Keep();
    const tab = await new Tab(new Server(), keep).connect();
    await tab.hear(tab.server.state());
    tab.source.delete(0, 5);
    await vi.advanceTimersByTimeAsync(1000);
    await tab.hear(tab.server.state());
    expect(tab.state).toBe('saving');
    expect(keep.records.size).toBe(1);
    expect(tab.provider.ws!.sent.length).toBe(1);
    tab.provider.ws!.answer();
    await vi.advanceTimersByTimeAsync(1000);
    expect(tab.state).toBe('saved');
    expect(keep.records.size).toBe(0);
    expect(tab.provider.ws!.sent.length).toBe(1);
  });

  it('says after a while that the server does not take an edit', async () => {
    const tab = await new Tab(new Server(), new Keep()).connect();
    await tab.hear(tab.server.state());
    const seen: string[] = [];
    tab.saving.stateChanged.connect((_, { kind }) => void seen.push(kind));
    tab.source.insert(5, ' more');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(seen).toEqual(['saving', 'failed']);
    await tab.deliver();
    expect(tab.state).toBe('saved');
  });

  it('counts what was edited without a connection, and sends it', async () => {
    const keep = new Keep();
    const tab = await new Tab(new Server(), keep).connect();
    await tab.hear(tab.server.state());
    tab.disconnect();
    tab.source.insert(5, ' off');
    tab.source.insert(9, 'line');
    expect(tab.saving.state).toEqual({
      kind: 'offline',
      changes: 2,
      kept: true
    });
    await tab.connect();
    await tab.deliver();
    expect(tab.state).toBe('saved');
    expect(tab.server.document.getArray('cells').toJSON()).toEqual([
      { id: 'c1', source: 'start offline' }
    ]);
  });

  it('brings back, once, what a tab that is gone had kept', async () => {
    const keep = new Keep();
    const server = new Server();
    const gone = await new Tab(server, keep).connect();
    gone.disconnect();
    gone.source.insert(5, ' offline');
    gone.source.delete(0, 1);
    await gone.saving.flush();
    expect(keep.records.size).toBe(1);

    const next = await new Tab(server, keep).connect();
    expect(next.source.toJSON()).toBe('tart offline');
    expect(next.state).toBe('saving');
    await next.deliver();
    await vi.advanceTimersByTimeAsync(1000);
    next.provider.ws!.answer();
    await vi.advanceTimersByTimeAsync(0);
    expect(next.state).toBe('saved');
    expect(keep.records.size).toBe(0);

    await gone.connect();
    await gone.deliver();
    const late = await new Tab(server, keep).connect();
    expect(late.source.toJSON()).toBe('tart offline');
  });

  it('keeps a long time without a connection in few pieces', async () => {
    const keep = new Keep();
    const server = new Server();
    const tab = await new Tab(server, keep).connect();
    tab.disconnect();
    for (let n = 0; n < 200; n++) {
      tab.source.insert(5, '.');
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(keep.records.size).toBeLessThan(40);
    const next = await new Tab(server, keep).connect();
    expect(next.source.toJSON()).toBe(`start${'.'.repeat(200)}`);
  });

  it('does not bring them into another history, and offers their text', async () => {
    const keep = new Keep();
    const gone = await new Tab(new Server(), keep).connect();
    gone.disconnect();
    gone.source.insert(5, ' offline');
    await gone.saving.flush();
    const other = new Server();
    other.history = 'h2';
    const tab = await new Tab(other, keep).connect();
    expect(tab.source.toJSON()).toBe('start');
    const [[stranded]] = tab.onStranded.mock.calls;
    expect(stranded[0].texts).toEqual({ c1: 'start offline' });
    expect(keep.records.size).toBe(1);
  });

  it('does not bring back what builds on something that is missing', async () => {
    const keep = new Keep();
    const server = new Server();
    const gone = await new Tab(server, keep).connect();
    gone.disconnect();
    gone.source.insert(5, ' first');
    await gone.saving.flush();
    gone.source.insert(11, ' second');
    await gone.saving.flush();
    await keep.forget([1]);
    const tab = await new Tab(server, keep).connect();
    expect(tab.source.toJSON()).toBe('start');
    expect(tab.document.store.pendingStructs).toBe(null);
    expect(tab.onStranded).toHaveBeenCalledOnce();
  });

  it('tells once of edits that a room of another history refuses', async () => {
    const keep = new Keep();
    const tab = await new Tab(new Server(), keep).connect();
    tab.disconnect();
    tab.source.insert(5, ' offline');
    tab.disconnect(1003);
    tab.disconnect(1003);
    expect(tab.state).toBe('refused');
    expect(tab.onStranded).toHaveBeenCalledOnce();
    const [[[stranded]]] = tab.onStranded.mock.calls;
    expect(stranded.texts).toEqual({ c1: 'start offline' });
    await vi.advanceTimersByTimeAsync(0);
    expect(keep.records.size).toBe(1);
  });

  it('leaves a room of another history for good, and trusts its word', async () => {
    const tab = await new Tab(new Server(), new Keep()).connect();
    tab.disconnect();
    tab.source.insert(5, ' offline');
    expect(tab.provider.disconnect).not.toHaveBeenCalled();
    tab.disconnect(1003, '{"reason":"unknown_session","kept":true}');
    expect(tab.provider.disconnect).toHaveBeenCalledOnce();
    expect(tab.state).toBe('refused');
    expect(tab.onStranded).not.toHaveBeenCalled();
  });

  it('knows that a browser keeps nothing', async () => {
    const tab = await new Tab(new Server(), null).connect();
    await tab.hear(tab.server.state());
    expect(tab.saving.isKept).toBe(true);
    tab.source.insert(5, ' more');
    expect(tab.saving.isKept).toBe(false);
    await tab.deliver();
    expect(tab.saving.isKept).toBe(true);
  });
});
