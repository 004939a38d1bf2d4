import type { CodeCell } from '@jupyterlab/cells';
import type { Notebook } from '@jupyterlab/notebook';
import { type OutputArea, Stdin } from '@jupyterlab/outputarea';
import type { Kernel, KernelMessage } from '@jupyterlab/services';
import type { ITranslator } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import type { Message } from '@lumino/messaging';
import { type ISignal, Signal } from '@lumino/signaling';
import { Panel } from '@lumino/widgets';

import type { RuntimeModel } from '../model/runtime';
import type {
  ICommandReply,
  IExecution,
  IInputRequest
} from '../services/client';
import type { Command } from '../generated/commands';

/** What tells that a person does something else. */
const GESTURES = ['keydown', 'pointerdown'] as const;

/**
 * Shows what the kernel asks for in its cell, until anybody has answered.
 */
export class InputPrompts implements IDisposable {
  constructor(options: InputPrompts.IOptions) {
    this._options = options;
    const { notebook, runtime } = options;
    runtime.model.executionsChanged.connect(this._onExecutions, this);
    runtime.awaited.connect(this._focusLate, this);
    for (const gesture of GESTURES) {
      document.addEventListener(gesture, this._onGesture, true);
    }
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
    for (const gesture of GESTURES) {
      document.removeEventListener(gesture, this._onGesture, true);
    }
    this._prompts.forEach(prompt => prompt.dispose());
    this._prompts.clear();
    Signal.clearData(this);
  }

  private _onExecutions(
    { executions }: RuntimeModel,
    ids: ReadonlySet<string>
  ): void {
    const shown = new Set([...this._prompts.keys()].map(executionOf));
    for (const id of ids) {
      if (shown.has(id) || executions.get(id)?.input) {
        this._update();
        return;
      }
    }
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
    const execution_id = executionOf(key);
    const focus = runtime.awaits(execution_id);
    const prompt = createPrompt((cell as CodeCell).outputArea, {
      request: input!,
      focus,
      reply: value => {
        runtime
          .command({ type: 'reply_input', execution_id, value })
          .catch(onError);
      },
      translator
    });
    this._prompts.set(key, prompt);
    this._undecided = focus ? null : key;
    // Clearing the cell's outputs takes it along, and the kernel waits on.
    prompt.disposed.connect(() => queueMicrotask(() => this._update()));
  }

  /** A prompt can be here before the reply to the command that led to it. */
  private _focusLate(_: unknown, executionId: string): void {
    const key = this._undecided;
    if (key !== null && executionOf(key) === executionId) {
      this._undecided = null;
      this._prompts.get(key)?.node.querySelector('input')?.focus();
    }
  }

  /** Whoever does something else already keeps the focus. */
  private _onGesture = () => {
    this._undecided = null;
  };

  private _options: InputPrompts.IOptions;
  private _prompts = new Map<string, Panel>();
  /** The last prompt of which it is not known yet who ran its cell. */
  private _undecided: string | null = null;
  private _isDisposed = false;
}

/**
 * A namespace for InputPrompts statics.
 */
export namespace InputPrompts {
  /**
   * What prompts need of a notebook's server side.
   */
  export interface IRuntime {
    readonly model: RuntimeModel;
    readonly awaited: ISignal<unknown, string>;
    awaits(executionId: string): boolean;
    command(command: Command): Promise<ICommandReply>;
  }

  /**
   * The options of the prompts of a notebook.
   */
  export interface IOptions {
    notebook: Pick<Notebook, 'model' | 'widgets'>;
    runtime: IRuntime;
    translator: ITranslator;

    /**
     * Tell the person that the answer did not arrive.
     */
    onError: (reason: Error) => void;
  }
}

/** A prompt's key is its execution's id, and when it was asked for. */
function executionOf(key: string): string {
  return key.split(' ', 1)[0];
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
