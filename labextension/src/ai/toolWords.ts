import type { TranslationBundle } from '@jupyterlab/translation';

import type { Effect, IToolCall } from '../services/ai';

/** Which of its arguments says best what a call is about. */
const SUBJECTS = ['question', 'query', 'source', 'code', 'new', 'path', 'name'];

/** How much of an argument a line has room for. */
const SHORT = 120;

/**
 * Says what tools do.
 */
export class ToolWords {
  constructor(private _trans: TranslationBundle) {}

  /**
   * Say what a tool does.
   */
  title(tool: string): string {
    const trans = this._trans;
    const titles: Record<string, string> = {
      get_notebook: trans.__('Look at the notebook'),
      read_cells: trans.__('Read cells'),
      search_cells: trans.__('Search the notebook'),
      create_cell: trans.__('Create a cell'),
      edit_cell: trans.__('Edit a cell'),
      replace_cell: trans.__('Rewrite a cell'),
      delete_cells: trans.__('Delete cells'),
      move_cell: trans.__('Move a cell'),
      run_cells: trans.__('Run cells'),
      get_execution: trans.__('Look at an execution'),
      read_output: trans.__('Read an output'),
      read_file: trans.__('Read a file'),
      inspect_variables: trans.__('Look at variables'),
      interrupt_kernel: trans.__('Interrupt the kernel'),
      ask_user: trans.__('Ask a question')
    };
    return Object.hasOwn(titles, tool) ? titles[tool] : tool;
  }

  /**
   * Say what may come of it.
   */
  effect(effect: Effect): string {
    const trans = this._trans;
    switch (effect) {
      case 'read':
        return trans.__('reads');
      case 'edit':
        return trans.__('edits the notebook');
      case 'execute':
        return trans.__('runs code');
      case 'files':
        return trans.__('uses files');
      default:
        return trans.__('reaches outside');
    }
  }

  /**
   * Say where a call is; nothing where it went well.
   */
  status({ status }: IToolCall): string {
    const trans = this._trans;
    switch (status) {
      case 'waiting':
        return trans.__('waits for a decision');
      case 'error':
        return trans.__('failed');
      case 'denied':
        return trans.__('denied');
      case 'ok':
        return '';
      default:
        return trans.__('at work');
    }
  }
}

/**
 * Return one short line of what a call is about, or why nothing came of it; empty where nothing tells.
 */
export function subjectOf({
  arguments: written,
  result,
  status
}: Pick<IToolCall, 'arguments' | 'result' | 'status'>): string {
  if (status === 'denied' || status === 'error') {
    return short(result ?? '');
  }
  const values = argumentsOf(written);
  const subject = SUBJECTS.map(name => values?.[name]).find(
    value => typeof value === 'string' && value.trim() !== ''
  ) as string | undefined;
  return short(subject ?? '');
}

function short(text: string): string {
  const line = text.trim().split('\n', 1)[0];
  return line.length > SHORT ? `${line.slice(0, SHORT - 1)}…` : line;
}

/**
 * Return a call's arguments for people: each by its name, texts as they are.
 */
export function readable(written: string): string {
  const values = argumentsOf(written);
  if (values === null) {
    return written;
  }
  return Object.entries(values)
    .filter(([, value]) => value !== null)
    .map(([name, value]) =>
      typeof value === 'string'
        ? value.includes('\n')
          ? `${name}:\n${value}`
          : `${name}: ${value}`
        : `${name}: ${JSON.stringify(value)}`
    )
    .join('\n');
}

function argumentsOf(written: string): Record<string, unknown> | null {
  try {
    const values: unknown = JSON.parse(written);
    return typeof values === 'object' && !Array.isArray(values)
      ? (values as Record<string, unknown> | null)
      : null;
  } catch {
    return null;
  }
}
