import type {
  AnswerPart,
  IAnswer,
  IToolCall,
  ITurn,
  ITurnFacts
} from '../services/ai';
import type { IRuntMetadata } from './cellType';

/**
 * Return the parts of a turn's answer, in the order in which they came.
 */
export function partsOf({
  text,
  items
}: Pick<ITurn, 'text' | 'items'>): AnswerPart[] {
  const parts: AnswerPart[] = [];
  let from = 0;
  const add = (to: number) => {
    const part = text.slice(from, to);
    if (part.trim() !== '') {
      parts.push({ type: 'text', text: part });
    }
    from = Math.max(from, to);
  };
  for (const { at, ...call } of items) {
    add(at);
    parts.push(call);
  }
  add(text.length);
  return parts;
}

/**
 * Read a finished answer, which anybody can have written into a notebook.
 *
 * @returns null where it is none.
 */
export function readAnswer(value: unknown): IAnswer | null {
  if (!isRecord(value) || !Array.isArray(value['items'])) {
    return null;
  }
  const { turn_id, status, model, prompt, usage, error } = value;
  return {
    turn_id: text(turn_id),
    status: text(status) as ITurnFacts['status'],
    model: text(model),
    prompt: text(prompt),
    usage: isRecord(usage) ? usage : null,
    error: text(error) || null,
    items: value['items'].filter(isRecord).map(readPart)
  };
}

/**
 * Return the finished turns that a cell keeps, the newest last; of the same question the last one.
 */
export function answersOf({ turns }: IRuntMetadata): IAnswer[] {
  const answers = new Map<string, IAnswer>();
  for (const value of Array.isArray(turns) ? turns : []) {
    const answer = readAnswer(value);
    if (answer !== null) {
      answers.delete(answer.prompt);
      answers.set(answer.prompt, answer);
    }
  }
  return [...answers.values()];
}

/** What begins a diagram. */
const DIAGRAM = /^(\s*(?:`{3,}|~{3,}))mermaid\s*$/gm;

/**
 * Cut Markdown that grows into blocks of which only the last one will change.
 *
 * Each is drawn by itself: what was drawn stays as it is.
 */
export function blocksOf(markdown: string): string[] {
  const blocks: string[] = [];
  let lines: string[] = [];
  let fence: string | null = null;
  let isMath = false;
  for (const line of markdown.split('\n')) {
    const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1] ?? null;
    const isNew = lines.at(-1)?.trim() === '' && /^[^\s>|]/.test(line);
    if (fence === null && !isMath && isNew && !continuesList(lines, line)) {
      blocks.push(lines.join('\n'));
      lines = [];
    }
    lines.push(line);
    if (fence !== null) {
      fence = closes(fence, mark, line) ? null : fence;
    } else if (mark !== null) {
      fence = mark;
    } else if ((line.match(/\$\$/g)?.length ?? 0) % 2 === 1) {
      isMath = !isMath;
    }
  }
  const last = lines.join('\n');
  // Half a diagram is an error: until it is whole, its source is shown.
  const rest = fence === null ? last : last.replace(DIAGRAM, '$1');
  return [...blocks, rest];
}

function closes(fence: string, mark: string | null, line: string): boolean {
  return mark !== null && mark.startsWith(fence) && line.trim() === mark;
}

/** A list is one block: its numbers and the space between its items need it. */
function continuesList(lines: string[], line: string): boolean {
  const item = /^\s{0,3}([-*+]|\d{1,9}[.)])\s/;
  return item.test(lines[0]) && item.test(line);
}

function readPart(value: Record<string, unknown>): AnswerPart {
  if (value['type'] === 'tool') {
    return {
      type: 'tool',
      call_id: text(value['call_id']),
      tool: text(value['tool']),
      effect: text(value['effect']) as IToolCall['effect'],
      arguments: text(value['arguments']),
      status: text(value['status']) as IToolCall['status'],
      result: text(value['result'])
    };
  }
  return { type: 'text', text: text(value['text']) };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
