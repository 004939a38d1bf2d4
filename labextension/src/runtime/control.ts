import type { NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { UUID } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import type { NotebookRuntime } from '../model/notebookRuntime';
import { encodeStateVector } from '../model/stateVector';
import { type ActionName, actionsOf, type IAction } from './actions';
import { type IRuntimeState, stateOf } from './state';
import type { IWords } from './words';

/** How long changes are waited for that belong together, as those of a short cell do. */
const TOGETHER_MS = 100;

/**
 * What a person sees of a notebook's kernel, and does with it.
 */
export class NotebookControl implements IDisposable {
  constructor(private _options: NotebookControl.IOptions) {
    const { model, connectedChanged } = _options.runtime;
    this.actions = actionsOf(_options.trans);
    model.executionsChanged.connect(this._onChange, this);
    model.queueChanged.connect(this._onChange, this);
    model.runtimeChanged.connect(this._onChange, this);
    connectedChanged.connect(this._onChange, this);
  }

  /**
   * What can be done.
   */
  readonly actions: Record<ActionName, IAction>;

  /**
   * Where the notebook is shown.
   */
  get panel(): NotebookPanel {
    return this._options.panel;
  }

  /**
   * The server's side of the notebook.
   */
  get runtime(): NotebookRuntime {
    return this._options.runtime;
  }

  /**
   * How things are said.
   */
  get words(): IWords {
    return this._options.words;
  }

  /**
   * What the kernel does; null where there is no connection to know it.
   */
  get state(): IRuntimeState | null {
    if (!this.runtime.connected) {
      return null;
    }
    this._state ??= stateOf(
      this.runtime.model,
      this.runtime.info?.host ?? null
    );
    return this._state;
  }

  /**
   * The kernel does something else, or an execution went on.
   */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /**
   * Whether something can be done now.
   */
  can(name: ActionName): boolean {
    return this.state !== null && this.actions[name].isPossible(this.state);
  }

  /**
   * Do something, after asking where something would be lost.
   */
  async perform(name: ActionName): Promise<void> {
    const action = this.actions[name];
    const { confirms } = this._options;
    if (action.warning === undefined || (await confirms(action))) {
      const reads = name === 'runAll' || name === 'restartAndRunAll';
      await this.runtime.command({
        type: action.type,
        command_id: UUID.uuid4(),
        ...(reads && { state_vector: encodeStateVector(this._sharedModel) })
      });
    }
  }

  /**
   * Take executions from the queue, or interrupt them where they run.
   */
  async cancel(execution_ids: string[]): Promise<void> {
    await this.runtime.command({ type: 'cancel_executions', execution_ids });
  }

  /**
   * Whether nothing is followed any more.
   */
  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /**
   * Follow the notebook no more.
   */
  dispose(): void {
    this._isDisposed = true;
    clearTimeout(this._timer);
    Signal.clearData(this);
  }

  private _onChange(): void {
    this._state = null;
    this._timer ??= setTimeout(() => {
      this._timer = undefined;
      this._changed.emit();
    }, TOGETHER_MS);
  }

  private get _sharedModel() {
    return this.panel.context.model.sharedModel;
  }

  /** Null where it has to be found out again. */
  private _state: IRuntimeState | null = null;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _changed = new Signal<this, void>(this);
  private _isDisposed = false;
}

/**
 * A namespace for NotebookControl statics.
 */
export namespace NotebookControl {
  /**
   * The options of a control.
   */
  export interface IOptions {
    panel: NotebookPanel;
    runtime: NotebookRuntime;
    words: IWords;
    trans: TranslationBundle;

    /**
     * Ask the person, who may not want to be asked, before something is lost.
     */
    confirms: (action: IAction) => Promise<boolean>;
  }
}
