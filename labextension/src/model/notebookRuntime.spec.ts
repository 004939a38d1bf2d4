import { ServerConnection } from '@jupyterlab/services';
import { expect, it, vi } from 'vitest';

import type { RuntClient } from '../services/client';
import { NotebookRuntime } from './notebookRuntime';

it('asks once which notebook it is, whoever wants to know meanwhile', async () => {
  const notebook = vi.fn(() => Promise.reject(new Error('not yet')));
  const runtime = new NotebookRuntime({
    client: {
      notebook,
      serverSettings: ServerConnection.makeSettings()
    } as unknown as RuntClient,
    path: () => 'nb.ipynb',
    onError: () => undefined
  });
  const ask = () => runtime.ask((_, id) => Promise.resolve(id));
  const answers = await Promise.allSettled([ask(), ask(), ask()]);
  expect(answers.map(({ status }) => status)).toEqual(
    Array(3).fill('rejected')
  );
  expect(notebook).toHaveBeenCalledTimes(1);
  await expect(ask()).rejects.toThrow('not yet');
  expect(notebook).toHaveBeenCalledTimes(2);
  runtime.dispose();
});
