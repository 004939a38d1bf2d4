import type { IRuntime, RuntimeModel } from '../model/runtime';
import type { IExecution } from '../services/client';
import { type IProgress, progressOf } from './progress';

/**
 * What a notebook's kernel does, in one word.
 */
export type RuntimeKind =
  | 'none'
  | 'starting'
  | 'restarting'
  | 'unresponsive'
  | 'lost'
  | 'idle'
  | 'running'
  | 'asking';

/**
 * What a notebook's kernel does, and for how long.
 */
export interface IRuntimeState {
  kind: RuntimeKind;
  /** When that began. */
  since: string | null;
  /** Why it is so. */
  reason: string | null;
  kernelName: string | null;
  /** Who started the kernel. */
  owner: string | null;
  /** The machine that it runs on. */
  host: string | null;
  /** Whether that is another one than the server's. */
  isElsewhere: boolean;
  /** How the kernel before this one ended, where nobody asked for it. */
  previousEnd: { reason: string; at: string } | null;
  /** Whether nothing has run since then: what was defined is gone. */
  isFresh: boolean;
  /** How many executions wait. */
  waiting: number;
  progress: IProgress | null;
}

/**
 * Say what the kernel of a notebook does.
 *
 * @param server - The machine that the server runs on, null where that is not known.
 */
export function stateOf(
  model: Pick<RuntimeModel, 'runtime' | 'queue' | 'executions'>,
  server: string | null
): IRuntimeState {
  const { runtime, queue, executions } = model;
  const running = queue.find(id => executions.get(id)?.started_at) ?? null;
  const execution = running === null ? undefined : executions.get(running);
  const end = runtime.previous_end ?? null;
  return {
    ...now(runtime, execution, executions),
    reason: runtime.reason ?? null,
    kernelName: runtime.kernel_name ?? null,
    owner: runtime.owner ?? null,
    host: runtime.host ?? null,
    isElsewhere: Boolean(server && runtime.host && runtime.host !== server),
    previousEnd: end,
    isFresh: end !== null && !hasRunSince(end.at, executions.values()),
    waiting: queue.length - (running === null ? 0 : 1),
    progress: progressOf(executions.values())
  };
}

/**
 * Whether a kernel is new, and how the one before ended has to be told.
 */
export function tellsEnd({
  kind,
  isFresh
}: Pick<IRuntimeState, 'kind' | 'isFresh'>): boolean {
  return isFresh && (kind === 'idle' || kind === 'starting');
}

function now(
  runtime: IRuntime,
  execution: IExecution | undefined,
  executions: RuntimeModel['executions']
): Pick<IRuntimeState, 'kind' | 'since'> {
  const since = runtime.since ?? null;
  switch (runtime.status) {
    case undefined:
    case null:
      return { kind: 'none', since: null };
    case 'starting':
    case 'restarting':
    case 'unresponsive':
    case 'lost':
      return { kind: runtime.status, since };
  }
  if (execution === undefined) {
    return { kind: 'idle', since: lastEnd(executions.values(), since) };
  }
  return execution.status === 'waiting_input'
    ? { kind: 'asking', since: execution.input?.since ?? null }
    : { kind: 'running', since: execution.started_at ?? null };
}

function lastEnd(
  executions: Iterable<IExecution>,
  since: string | null
): string | null {
  let last = since ?? '';
  for (const { completed_at } of executions) {
    if (completed_at && completed_at > last) {
      last = completed_at;
    }
  }
  return last === '' ? null : last;
}

function hasRunSince(at: string, executions: Iterable<IExecution>): boolean {
  for (const { started_at } of executions) {
    if (started_at && started_at > at) {
      return true;
    }
  }
  return false;
}
