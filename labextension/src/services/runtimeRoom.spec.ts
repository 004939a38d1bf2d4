import { ServerConnection } from '@jupyterlab/services';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Awareness, encodeAwarenessUpdate } from 'y-protocols/awareness';
import * as Y from 'yjs';

import { RuntError } from './client';
import { type IServerState, RuntimeRoom } from './runtimeRoom';

/** A socket that a test closes as a server would. */
class Socket {
  static readonly OPEN = 1;
  static opened: Socket[] = [];

  constructor(readonly url: string) {
    Socket.opened.push(this);
  }

  binaryType = '';
  readyState = 0;
  onopen: (() => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onmessage: ((event: { data: ArrayBuffer }) => void) | null = null;
  onerror: (() => void) | null = null;
  send(): void {}
  close(): void {}
}

/** A short frame of y-websocket. */
function frame(kind: readonly number[], content: Uint8Array): ArrayBuffer {
  return new Uint8Array([...kind, content.length, ...content]).buffer;
}

/** What a client says of itself. */
function presence(clientId: number, state: object): ArrayBuffer {
  const document = new Y.Doc();
  document.clientID = clientId;
  const awareness = new Awareness(document);
  awareness.setLocalState(state);
  const content = encodeAwarenessUpdate(awareness, [clientId]);
  awareness.destroy();
  return frame([1], content);
}

function setUp(locate: () => Promise<string>) {
  const onError = vi.fn<(reason: RuntError) => void>();
  const room = new RuntimeRoom({
    serverSettings: ServerConnection.makeSettings({
      wsUrl: 'ws://localhost/user/ada/',
      token: 'secret',
      appendToken: true,
      WebSocket: Socket as unknown as typeof WebSocket
    }),
    locate,
    onError
  });
  const documents: Y.Doc[] = [];
  room.documentChanged.connect((_, document) => {
    documents.push(document);
  });
  return { documents, onError, room };
}

describe('RuntimeRoom', () => {
  beforeEach(() => {
    vi.useFakeTimers();
    Socket.opened = [];
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('joins the room that the server names', async () => {
    const { documents, room } = setUp(() =>
      Promise.resolve('runt:runtime:n:1')
    );
    await vi.advanceTimersByTimeAsync(0);
    expect(Socket.opened.map(({ url }) => url)).toEqual([
      'ws://localhost/user/ada/api/collaboration/room/runt:runtime:n:1?token=secret'
    ]);
    expect(documents.length).toBe(1);
    expect(room.synced).toBe(false);
    room.dispose();
  });

  it('asks again and starts a new document where the room has moved', async () => {
    let epoch = 1;
    const { documents, room } = setUp(() => Promise.resolve(`room${epoch++}`));
    await vi.advanceTimersByTimeAsync(0);
    Socket.opened[0].onclose!({ code: 4410, reason: 'moved' });
    await vi.advanceTimersByTimeAsync(0);
    expect(Socket.opened[1].url).toContain('/room2?');
    expect(documents.length).toBe(2);
    expect(documents[0]).not.toBe(documents[1]);
    room.dispose();
  });

  it('comes back to the same document after the network did', async () => {
    const { documents, room } = setUp(() => Promise.resolve('room'));
    await vi.advanceTimersByTimeAsync(0);
    Socket.opened[0].onclose!({ code: 1006, reason: '' });
    await vi.advanceTimersByTimeAsync(3000);
    expect(Socket.opened.length).toBe(2);
    expect(documents.length).toBe(1);
    room.dispose();
  });

  it('asks until a server that is away answers', async () => {
    const locate = vi.fn<() => Promise<string>>();
    locate.mockRejectedValueOnce(new TypeError('Failed to fetch'));
    locate.mockResolvedValue('room');
    const { onError, room } = setUp(locate);
    await vi.advanceTimersByTimeAsync(0);
    expect(Socket.opened.length).toBe(0);
    await vi.advanceTimersByTimeAsync(3000);
    expect(Socket.opened.length).toBe(1);
    expect(onError).not.toHaveBeenCalled();
    room.dispose();
  });

  it('tells why the server refuses, once', async () => {
    const reason = new RuntError('not_a_notebook', 'It is no notebook.');
    const { onError, room } = setUp(() => Promise.reject(reason));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(onError).toHaveBeenCalledExactlyOnceWith(reason);
    room.dispose();
  });

  it('tells once that another server has it, and again if that comes again', async () => {
    const held = new RuntError('lease_held', 'Open elsewhere.', {
      url: 'http://there/'
    });
    let here = true;
    const { onError } = setUp(() =>
      here ? Promise.resolve('runt:runtime:n:1') : Promise.reject(held)
    );
    await vi.advanceTimersByTimeAsync(0);
    const fails = async () => {
      Socket.opened.at(-1)!.onclose!({ code: 1006, reason: '' });
      await vi.advanceTimersByTimeAsync(5000);
    };
    await fails();
    expect(onError).not.toHaveBeenCalled();
    here = false;
    await fails();
    await fails();
    expect(onError.mock.calls).toEqual([[held]]);
    const socket = Socket.opened.at(-1)!;
    socket.onopen!();
    socket.onmessage!({ data: frame([0, 1], new Uint8Array([0, 0])) });
    await fails();
    expect(onError).toHaveBeenCalledTimes(2);
  });

  it('hears what the server says of itself, from nobody else', async () => {
    const { room } = setUp(() => Promise.resolve('room'));
    const heard: IServerState[] = [];
    room.serverStateChanged.connect((_, state) => void heard.push(state));
    await vi.advanceTimersByTimeAsync(0);
    const [socket] = Socket.opened;
    const server = new Y.Doc();
    server.clientID = 7;
    server.getMap('runtime').set('status', 'ready');
    socket.onopen!();
    socket.onmessage!({ data: presence(8, { seq: 99 }) });
    socket.onmessage!({ data: presence(7, { seq: 1 }) });
    expect(room.serverState).toBe(null);
    const update = Y.encodeStateAsUpdate(server);
    socket.onmessage!({ data: frame([0, 1], update) });
    expect(room.serverState).toEqual({ seq: 1 });
    socket.onmessage!({ data: presence(9, { seq: 99 }) });
    expect(new Set(heard.map(({ seq }) => seq))).toEqual(new Set([1]));
    room.dispose();
  });

  it('opens nothing once it is disposed', async () => {
    const { room } = setUp(() => Promise.resolve('room'));
    room.dispose();
    room.dispose();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(Socket.opened.length).toBe(0);
  });
});
