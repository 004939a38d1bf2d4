import { expect, it } from 'vitest';

import type { IRuntimeInfo } from '../services/client';
import { Runtimes, stateOfInfo } from './runtimes';

const NOW = '2026-01-01T00:00:12.000Z';

function info(path: string, state: string): IRuntimeInfo {
  return {
    notebook_id: path,
    path,
    runtime_session_id: 's1',
    kernel_name: 'python3',
    status: 'ready',
    since: NOW,
    owner: 'user:ada',
    host: 'here',
    kernel: { state, since: null },
    queue_length: 3
  };
}

it('reads the runtimes, and says why it could not', async () => {
  const answers: (() => Promise<{ runtimes: IRuntimeInfo[]; now: string }>)[] =
    [
      () =>
        Promise.resolve({
          runtimes: [info('b', 'idle'), info('a', 'busy')],
          now: NOW
        }),
      () => Promise.reject(new Error('It is away.'))
    ];
  const runtimes = new Runtimes(() => answers.shift()!());
  await runtimes.refresh();
  expect(runtimes.all.map(({ path }) => path)).toEqual(['a', 'b']);
  expect(runtimes.clock.now()).toBeGreaterThanOrEqual(Date.parse(NOW));
  await runtimes.refresh();
  expect(runtimes.error?.message).toBe('It is away.');
  expect(runtimes.all.length).toBe(2);
  runtimes.dispose();
});

it('says of another notebook what is known of it', () => {
  expect(stateOfInfo(info('a', 'busy'))).toMatchObject({
    kind: 'running',
    waiting: 2,
    since: NOW
  });
  expect(stateOfInfo(info('a', 'unresponsive')).kind).toBe('unresponsive');
});
