import {
  type Completer,
  CompleterModel,
  type CompletionHandler,
  type ICompletionContext,
  type ICompletionProvider
} from '@jupyterlab/completer';
import { PathExt } from '@jupyterlab/coreutils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { Contents, Kernel } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';

import { isAICell } from '../model/cellType';

/** How much of a cell's first line names it. */
const NAMED = 40;

/** An `@` that begins a word, up to the cursor. */
const MENTION = /(?:^|[\s([{"'])(@[\p{L}\p{N}_./:-]*)$/u;

/** What begins a mention of a file. */
const FILE = '@file:';

/** Names that need no quotes. */
const PLAIN = /^[\p{L}\p{N}_./:-]+$/u;

/** How long the kernel is waited for: the rest is to be offered at once. */
const PATIENCE_MS = 400;

/** What IPython says of names that somebody gave to something. */
const VARIABLES = new Set(['instance', 'module', 'statement']);

interface IMention extends CompletionHandler.ICompletionItem {
  isMention: true;
}

/**
 * Completes what an AI cell mentions: `@cell:…`, `@file:…` and `@variable`.
 */
export class Mentions implements ICompletionProvider {
  constructor(private _options: Mentions.IOptions) {}

  readonly identifier = 'jupyter-runt:mentions';

  /** Before what the kernel and the words of the notebook have to say. */
  readonly rank = 1000;

  /**
   * Return the completer's model, in which mentions are alone where there are some.
   *
   * It is the first provider's for all editors: elsewhere nothing is mentioned.
   */
  modelFactory = (): Promise<Completer.IModel> =>
    Promise.resolve(new MentionsModel());

  readonly renderer = null;

  /**
   * Whether an AI cell is written in.
   */
  isApplicable({ widget }: ICompletionContext): Promise<boolean> {
    const cell = this._options.panelOf(widget)?.content.activeCell;
    return Promise.resolve(Boolean(cell && isAICell(cell.model.sharedModel)));
  }

  /**
   * Return what can be mentioned where the cursor is.
   */
  async fetch(
    { offset, text }: CompletionHandler.IRequest,
    { session, widget }: ICompletionContext
  ): Promise<CompletionHandler.ICompletionItemsReply> {
    const mention = MENTION.exec(text.slice(0, offset))?.[1];
    const panel = this._options.panelOf(widget);
    if (mention === undefined || panel === undefined) {
      return { start: offset, end: offset, items: [] };
    }
    const start = offset - mention.length;
    if (mention.startsWith(FILE)) {
      const items = await this._files(panel, mention.slice(FILE.length));
      return { start, end: offset, items };
    }
    const [files, variables] = await Promise.all([
      this._files(panel, ''),
      Promise.race([
        this._variables(session?.kernel, mention.slice(1)),
        new Promise<IMention[]>(resolve => setTimeout(resolve, PATIENCE_MS, []))
      ])
    ]);
    const items = [...this._cells(panel), ...variables, ...files];
    return { start, end: offset, items };
  }

  /**
   * Whether to offer it while the person types.
   */
  shouldShowContinuousHint(isVisible: boolean): boolean {
    return !isVisible;
  }

  private _cells({ content }: NotebookPanel): IMention[] {
    const { trans } = this._options;
    return content.widgets
      .map(({ model }, index) => ({ model, number: index + 1 }))
      .filter(({ model }) => model.id !== content.activeCell?.model.id)
      .map(({ model, number }) => {
        const line = model.sharedModel.getSource().trim().split('\n', 1)[0];
        return {
          label: `@cell ${number}: ${line.slice(0, NAMED)}`,
          insertText: `@cell:${model.id}`,
          type: trans.__('cell'),
          isMention: true
        };
      });
  }

  private async _variables(
    kernel: Kernel.IKernelConnection | null | undefined,
    code: string
  ): Promise<IMention[]> {
    if (!kernel || kernel.status !== 'idle') {
      return []; // it would answer when its cells have run
    }
    const { content } = await kernel.requestComplete({
      code,
      cursor_pos: code.length
    });
    if (content.status !== 'ok') {
      return [];
    }
    const types = content.metadata['_jupyter_types_experimental'];
    return ((types as { text: string; type: string }[] | undefined) ?? [])
      .filter(({ text, type }) => VARIABLES.has(type) && !/^_/.test(text))
      .map(({ text, type }) => ({
        label: `@${text}`,
        insertText: `@${text}`,
        type,
        isMention: true
      }));
  }

  /** Files of the folder that is typed so far; notebooks are not read as files. */
  private async _files(
    { context }: NotebookPanel,
    typed: string
  ): Promise<IMention[]> {
    const { contents, trans } = this._options;
    const folder = typed.slice(0, Math.max(0, typed.lastIndexOf('/')));
    const files = await contents
      .get(PathExt.join(PathExt.dirname(context.path), folder))
      .then(
        ({ content }) => content as Contents.IModel[],
        () => []
      );
    return files
      .filter(({ type }) => type !== 'notebook')
      .map(({ name, type }) => {
        const isFolder = type === 'directory';
        const quoted = PLAIN.test(name) ? name : `"${name}"`;
        const path = PathExt.join(folder, isFolder ? `${quoted}/` : quoted);
        return {
          label: FILE + path,
          insertText: FILE + path,
          type: isFolder ? trans.__('folder') : trans.__('file'),
          isMention: true
        };
      });
  }
}

class MentionsModel extends CompleterModel {
  setCompletionItems(items: CompletionHandler.ICompletionItems): void {
    const mentions = items.filter(item => 'isMention' in item);
    super.setCompletionItems(mentions.length > 0 ? mentions : items);
  }
}

/**
 * Tell whether a person has just typed what begins a mention, or the folder of a file.
 */
export function beginsMention(text: string, offset: number): boolean {
  const mention = MENTION.exec(text.slice(0, offset))?.[1];
  return mention === '@' || /^@file:.*\/$/.test(mention ?? '');
}

/**
 * A namespace for Mentions statics.
 */
export namespace Mentions {
  /**
   * The options of mentions.
   */
  export interface IOptions {
    contents: Pick<Contents.IManager, 'get'>;
    trans: TranslationBundle;

    /**
     * Return the notebook that a widget is, if it is one.
     */
    panelOf: (widget: unknown) => NotebookPanel | undefined;
  }
}
