import type { CodeCell } from '@jupyterlab/cells';
import type { Notebook } from '@jupyterlab/notebook';
import { type OutputArea, Stdin } from '@jupyterlab/outputarea';
import type { Kernel, KernelMessage } from '@jupyterlab/services';
import type { ITranslator } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import type { Message } from '@lumino/messaging';
import { Signal } from '@lumino/signaling';
import { Panel } from '@lumino/widgets';

import type { NotebookRuntime } from '../model/notebookRuntime';
import type { IExecution, IInputRequest } from '../services/client';

/**
 * Shows what the kernel asks for in its cell, until anybody has answered.
 */
export class InputPrompts implements IDisposable {
  constructor(options: InputPrompts.IOptions) {
    this._options = options;
    const { notebook, runtime } = options;
    runtime.model.executionsChanged.connect(this._update, this);
    notebook.model?.cells.changed.connect(this._update, this);
    this._update();
  }

  /**
   * Whether no prompts are shown any more.
   */
  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /**
   * Take the prompts away.
   */
  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._prompts.forEach(prompt => prompt.dispose());
    this._prompts.clear();
    Signal.clearData(this);
  }

  private _update(): void {
    const waiting = new Map<string, IExecution>();
    for (const [id, execution] of this._options.runtime.model.executions) {
      if (execution.status === 'waiting_input' && execution.input) {
        // One execution can ask again and again.
        waiting.set(`${id} ${execution.input.since}`, execution);
      }
    }
    for (const [key, prompt] of this._prompts) {
      if (!waiting.has(key) || prompt.isDisposed) {
        this._prompts.delete(key);
        prompt.dispose();
      }
    }
    for (const [key, execution] of waiting) {
      if (!this._prompts.has(key)) {
        this._show(key, execution);
      }
    }
  }

  private _show(key: string, { cell_id, input }: IExecution): void {
    const { notebook, runtime, translator, onError } = this._options;
    const cell = notebook.widgets.find(({ model }) => model.id === cell_id);
    if (cell?.model.type !== 'code') {
      return;
    }
    const [execution_id] = key.split(' ');
    const prompt = createPrompt((cell as CodeCell).outputArea, {
      request: input!,
      focus: runtime.awaits(execution_id),
      reply: value => {
        runtime
          .command({ type: 'reply_input', execution_id, value })
          .catch(onError);
      },
      translator
    });
    this._prompts.set(key, prompt);
    // Clearing the cell's outputs takes it along, and the kernel waits on.
    prompt.disposed.connect(() => queueMicrotask(() => this._update()));
  }

  private _options: InputPrompts.IOptions;
  private _prompts = new Map<string, Panel>();
  private _isDisposed = false;
}

/**
 * A namespace for InputPrompts statics.
 */
export namespace InputPrompts {
  /**
   * The options of the prompts of a notebook.
   */
  export interface IOptions {
    notebook: Notebook;
    runtime: NotebookRuntime;
    translator: ITranslator;

    /**
     * Tell the person that the answer did not arrive.
     */
    onError: (reason: Error) => void;
  }
}

interface IPromptOptions {
  request: IInputRequest;
  /** Take the focus, which is for the person who ran the cell alone. */
  focus: boolean;
  reply: (value: string) => void;
  translator: ITranslator;
}

/** Adds a prompt below the outputs, as JupyterLab does. */
function createPrompt(area: OutputArea, options: IPromptOptions): Panel {
  const { request, reply, focus, translator } = options;
  const future = {
    sendInputReply: ({ value }: { value: string }) => reply(value)
  };
  const input = new SharedStdin(
    {
      prompt: request.prompt,
      password: request.password,
      future: future as unknown as Kernel.IShellFuture,
      parent_header:
        {} as unknown as KernelMessage.IInputReplyMsg['parent_header'],
      translator
    },
    focus
  );
  input.addClass('jp-OutputArea-output');
  const prompt = area.contentFactory.createOutputPrompt();
  prompt.addClass('jp-OutputArea-prompt');
  const panel = new Panel();
  panel.addClass('jp-OutputArea-child');
  panel.addClass('jp-OutputArea-stdin-item');
  panel.addWidget(prompt);
  panel.addWidget(input);
  area.layout.addWidget(panel);
  return panel;
}

/** JupyterLab's input takes the focus from whoever types elsewhere. */
class SharedStdin extends Stdin {
  constructor(options: Stdin.IOptions, focus: boolean) {
    super(options);
    this._focus = focus;
  }

  protected onAfterAttach(msg: Message): void {
    if (this._focus) {
      super.onAfterAttach(msg);
    } else {
      this.node.querySelector('input')?.addEventListener('keydown', this);
    }
  }

  private _focus: boolean;
}
