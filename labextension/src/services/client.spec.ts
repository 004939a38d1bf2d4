import { ServerConnection } from '@jupyterlab/services';
import { describe, expect, it, vi } from 'vitest';

import { RuntClient, RuntError } from './client';

function clientOf(status: number, body: string) {
  const fetch = vi.fn<typeof globalThis.fetch>(() =>
    Promise.resolve(new Response(body, { status, statusText: 'Words' }))
  );
  const serverSettings = ServerConnection.makeSettings({
    baseUrl: 'http://localhost/user/ada/',
    fetch
  });
  return { client: new RuntClient({ serverSettings }), fetch };
}

describe('RuntClient', () => {
  it('asks below the base URL, with what it is given escaped', async () => {
    const { client, fetch } = clientOf(200, '{"notebook_id": "n1"}');
    const info = await client.notebook('a folder/ü&.ipynb');
    expect(info.notebook_id).toBe('n1');
    const { url } = fetch.mock.calls[0][0] as Request;
    expect(url).toMatch(/^http:\/\/localhost\/user\/ada\/api\/runt\/notebooks/);
    expect(new URL(url).searchParams.get('path')).toBe('a folder/ü&.ipynb');
  });

  it('reads who wrote a cell, now or then', async () => {
    const line = { text: 'x', authors: [], seq: null, recorded_at: null };
    const body = JSON.stringify({ lines: [line] });
    const { client, fetch } = clientOf(200, body);
    const asked = async (at: number | null) => {
      fetch.mockResolvedValueOnce(new Response(body));
      expect(await client.cellLines('n1', 'a/b', at)).toEqual([line]);
      return new URL((fetch.mock.lastCall![0] as Request).url);
    };
    const now = await asked(null);
    expect(now.pathname).toMatch(/\/notebooks\/n1\/authors\/a%2Fb$/);
    expect(now.searchParams.has('at')).toBe(false);
    expect((await asked(7)).searchParams.get('at')).toBe('7');
  });

  it('posts commands', async () => {
    const { client, fetch } = clientOf(200, '{"seq": 3, "events": []}');
    const reply = await client.command('n1', { type: 'interrupt_runtime' });
    expect(reply).toEqual({ seq: 3, events: [] });
    const request = fetch.mock.calls[0][0] as Request;
    expect(request.method).toBe('POST');
    expect(await request.json()).toEqual({ type: 'interrupt_runtime' });
  });

  it("throws the server's errors with their code, words and detail", async () => {
    const body = { code: 'lease_held', message: 'Open elsewhere.', detail: {} };
    const { client } = clientOf(423, JSON.stringify(body));
    const error = await client.notebook('a.ipynb').catch((e: unknown) => e);
    expect(error).toBeInstanceOf(RuntError);
    expect(error).toMatchObject(body);
  });

  it('throws what is no answer of the server as unknown', async () => {
    const { client } = clientOf(502, '<html>');
    const error = await client.execution('n', 'e', 1).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'unknown', message: '502 Words' });
  });
});
