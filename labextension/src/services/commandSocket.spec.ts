import { ServerConnection } from '@jupyterlab/services';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { Command } from '../generated/commands';
import { type ICommandReply, RuntError } from './client';
import { CommandSocket } from './commandSocket';

/** A socket whose server is the test. */
class Socket {
  static opened: Socket[] = [];

  constructor(readonly url: string) {
    Socket.opened.push(this);
  }

  readyState = 0;
  sent: string[] = [];
  onclose: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;

  send(data: string): void {
    this.sent.push(data);
  }

  close(): void {
    this.readyState = 3;
  }

  answers(command_id: string, status: number, body: unknown): void {
    this.onmessage?.({ data: JSON.stringify({ command_id, status, body }) });
  }

  breaks(): void {
    this.readyState = 3;
    this.onclose?.();
  }
}

const RUN: Command = {
  type: 'execute_cells',
  cell_ids: ['c0'],
  stop_on_error: true,
  command_id: 'one'
};
const BY_SOCKET: ICommandReply = { seq: 1, events: [] };
const BY_REQUEST: ICommandReply = { seq: 2, events: [] };

function setUp() {
  const post = vi.fn<(command: Command) => Promise<ICommandReply>>(() =>
    Promise.resolve(BY_REQUEST)
  );
  const commands = new CommandSocket({
    serverSettings: ServerConnection.makeSettings({
      wsUrl: 'ws://localhost/user/ada/',
      token: 'sec ret',
      appendToken: true,
      WebSocket: Socket as unknown as typeof WebSocket
    }),
    post
  });
  commands.open('n/1');
  const [socket] = Socket.opened;
  socket.readyState = 1;
  return { commands, post, socket };
}

describe('CommandSocket', () => {
  beforeEach(() => {
    vi.useFakeTimers();
    Socket.opened = [];
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is opened once, below the base URL, as who has the token', () => {
    const { commands, socket } = setUp();
    commands.open('n/1');
    expect(Socket.opened).toHaveLength(1);
    expect(socket.url).toBe(
      'ws://localhost/user/ada/api/runt/notebooks/n%2F1/commands/socket?token=sec%20ret'
    );
  });

  it('gives each command its answer', async () => {
    const { commands, post, socket } = setUp();
    const reply = commands.send(RUN);
    const other = commands.send({ ...RUN, command_id: 'two' });
    expect(socket.sent.map(each => JSON.parse(each) as Command)).toEqual([
      RUN,
      { ...RUN, command_id: 'two' }
    ]);
    const body = { code: 'cell_not_found', message: 'No cell.', detail: {} };
    socket.answers('two', 404, body);
    socket.answers('one', 200, BY_SOCKET);
    socket.answers('three', 200, BY_SOCKET);
    expect(await reply).toEqual(BY_SOCKET);
    const error = await other.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RuntError);
    expect(error).toMatchObject(body);
    vi.runAllTimers();
    expect(post).not.toHaveBeenCalled();
  });

  it('sends requests while there is no socket, and for what has no id', async () => {
    const { commands, post, socket } = setUp();
    expect(await commands.send({ type: 'interrupt_runtime' })).toBe(BY_REQUEST);
    socket.readyState = 0;
    expect(await commands.send(RUN)).toBe(BY_REQUEST);
    expect(post).toHaveBeenCalledTimes(2);
    expect(socket.sent).toEqual([]);
  });

  it('asks again for what a lost socket had not answered', async () => {
    const { commands, post, socket } = setUp();
    const reply = commands.send(RUN);
    socket.breaks();
    expect(await reply).toBe(BY_REQUEST);
    expect(post).toHaveBeenCalledExactlyOnceWith(RUN);
  });

  it('does not trust a socket that says nothing', async () => {
    const { commands, post, socket } = setUp();
    const reply = commands.send(RUN);
    vi.advanceTimersByTime(4000);
    expect(post).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1000);
    expect(await reply).toBe(BY_REQUEST);
    expect(socket.readyState).toBe(3);
    socket.answers('one', 200, BY_SOCKET);
    expect(post).toHaveBeenCalledOnce();
  });

  it('tries again after a while, and at once for another notebook', () => {
    const { commands, socket } = setUp();
    socket.breaks();
    commands.open('n/1');
    expect(Socket.opened).toHaveLength(1);
    vi.advanceTimersByTime(10_000);
    commands.open('n/1');
    expect(Socket.opened).toHaveLength(2);
    commands.open('n2');
    expect(Socket.opened).toHaveLength(3);
    expect(Socket.opened[1].readyState).toBe(3);
    commands.dispose();
    commands.open('n3');
    expect(Socket.opened).toHaveLength(3);
    expect(Socket.opened[2].readyState).toBe(3);
  });
});
