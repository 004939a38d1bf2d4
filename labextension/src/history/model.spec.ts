import { Signal } from '@lumino/signaling';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { IVersion, IVersionPage } from '../services/history';
import { HistoryModel } from './model';

/** A history of `count` versions, of one event each. */
class Server {
  constructor(public count: number) {}

  readonly headChanged = new Signal<this, void>(this);
  readonly load = vi.fn((before: number | null, limit: number) => {
    const end = before ?? this.count + 1;
    const first = Math.max(1, end - limit);
    const versions: IVersion[] = [];
    for (let seq = end - 1; seq >= first; seq--) {
      versions.push(version(seq));
    }
    const page: IVersionPage = {
      versions,
      next_before: first > 1 ? first : null
    };
    return Promise.resolve(page);
  });

  grow(by: number): void {
    this.count += by;
    this.headChanged.emit();
  }
}

function version(seq: number, first_seq = seq): IVersion {
  return {
    seq,
    first_seq,
    recorded_at: '2026-01-01T00:00:00Z',
    authors: [],
    kind: 'edits',
    cells: [],
    cell_authors: {},
    summary: ''
  };
}

function follow(server: Server) {
  const { headChanged, load } = server;
  return new HistoryModel({ load, head: () => server.count, headChanged });
}

const seqs = ({ versions }: HistoryModel) => versions.map(({ seq }) => seq);
const settle = () => vi.advanceTimersByTimeAsync(0);

describe('HistoryModel', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('reads the newest versions when somebody looks', async () => {
    const server = new Server(3);
    const model = follow(server);
    expect(model.isReady).toBe(false);
    model.watched = true;
    await settle();
    expect(seqs(model)).toEqual([3, 2, 1]);
    expect(model.hasEarlier).toBe(false);
    expect(model.isReady).toBe(true);
  });

  it('shows earlier versions a page at a time, each once', async () => {
    const model = follow(new Server(120));
    model.watched = true;
    await settle();
    expect(seqs(model).length).toBe(50);
    await model.showEarlier();
    await model.showEarlier();
    expect(seqs(model)).toEqual(Array.from({ length: 120 }, (_, i) => 120 - i));
    expect(model.hasEarlier).toBe(false);
  });

  it('reads again once for many changes, and keeps what is earlier', async () => {
    const server = new Server(120);
    const model = follow(server);
    model.watched = true;
    await settle();
    await model.showEarlier();
    server.load.mockClear();
    for (let i = 0; i < 10; i++) {
      server.grow(1);
      await vi.advanceTimersByTimeAsync(100);
    }
    await vi.advanceTimersByTimeAsync(5000);
    expect(server.load).toHaveBeenCalledExactlyOnceWith(null, 50);
    expect(seqs(model)).toEqual(Array.from({ length: 110 }, (_, i) => 130 - i));
    expect(model.hasEarlier).toBe(true);
  });

  it('reads the less often the longer it takes', async () => {
    const server = new Server(1);
    const model = follow(server);
    const { load } = server;
    const quick = load.getMockImplementation()!;
    load.mockImplementation(async (before, limit) => {
      await new Promise(resolve => setTimeout(resolve, 1000));
      return quick(before, limit);
    });
    model.watched = true;
    await vi.advanceTimersByTimeAsync(1000);
    server.grow(1);
    await vi.advanceTimersByTimeAsync(19_000);
    expect(load).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1000);
    expect(load).toHaveBeenCalledTimes(2);
    model.dispose();
  });

  it('keeps a version that goes on as one', async () => {
    const server = new Server(2);
    const model = follow(server);
    model.watched = true;
    await settle();
    server.load.mockResolvedValueOnce({
      versions: [version(5, 2), version(1)],
      next_before: null
    });
    server.grow(3);
    await vi.advanceTimersByTimeAsync(2000);
    expect(seqs(model)).toEqual([5, 1]);
  });

  it('leaves no gap where more came than one page holds', async () => {
    const server = new Server(60);
    const model = follow(server);
    model.watched = true;
    await settle();
    server.grow(200);
    await vi.advanceTimersByTimeAsync(2000);
    expect(seqs(model)).toEqual(Array.from({ length: 50 }, (_, i) => 260 - i));
    await model.showEarlier();
    expect(seqs(model).length).toBe(100);
  });

  it('reads nothing while nobody looks, and catches up then', async () => {
    const server = new Server(1);
    const model = follow(server);
    model.watched = true;
    await settle();
    server.grow(1);
    model.watched = false;
    server.grow(1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(server.load).toHaveBeenCalledTimes(1);
    model.watched = true;
    await settle();
    expect(seqs(model)).toEqual([3, 2, 1]);
  });

  it('says why it could not read, until it can', async () => {
    const server = new Server(1);
    const model = follow(server);
    server.load.mockRejectedValueOnce(new Error('The store is away.'));
    model.watched = true;
    await settle();
    expect(model.error?.message).toBe('The store is away.');
    expect(model.isReady).toBe(false);
    await model.refresh();
    expect(model.error).toBeNull();
    expect(seqs(model)).toEqual([1]);
  });

  it('reads nothing once it is disposed', async () => {
    const server = new Server(1);
    const model = follow(server);
    model.watched = true;
    await settle();
    model.dispose();
    server.grow(1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(server.load).toHaveBeenCalledTimes(1);
  });
});
