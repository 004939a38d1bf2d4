import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import * as React from 'react';

import type { IRuntimeInfo } from '../services/client';
import type { ActionName } from './actions';
import type { NotebookControl } from './control';
import { ExecutionList } from './executionList';
import { iconOfRuntime } from './icons';
import { MachineList } from './machineList';
import type { Machines } from './machines';
import { OtherRuntimes } from './otherRuntimes';
import type { Runtimes } from './runtimes';
import type { RuntimeWords } from './runtimeWords';
import { type IRuntimeState, tellsEnd } from './state';

/** How long changes are gathered before they are drawn. */
const CALM_MS = 200;

/** How often it says for how long something has been so. */
const TICK_MS = 1000;

const KERNEL: readonly ActionName[] = [
  'start',
  'interrupt',
  'restart',
  'restartAndRunAll',
  'stop',
  'evict'
];

/**
 * The kernel of the current notebook and its cells, for the side bar.
 */
export class RuntimePanel extends ReactWidget {
  constructor(private _options: RuntimePanel.IOptions) {
    super();
    this.addClass('jp-runt-Panel');
    this.node.tabIndex = -1;
    _options.runtimes.changed.connect(this._soon, this);
    _options.machines.changed.connect(() => this.update(), this);
  }

  /**
   * The notebook whose kernel is shown.
   */
  get control(): NotebookControl | null {
    return this._control;
  }
  set control(control: NotebookControl | null) {
    if (control !== this._control) {
      this._control?.changed.disconnect(this._soon, this);
      this._control = control;
      control?.changed.connect(this._soon, this);
      this._options.machines.follow(control);
      this.update();
    }
  }

  /**
   * Show nothing any more.
   */
  dispose(): void {
    this.control = null;
    this._rest();
    super.dispose();
  }

  protected render(): React.ReactElement {
    const { options, trans, runtimes, words } = this._parts();
    const control = this._control;
    const state = control?.state ?? null;
    return (
      <>
        {control === null ? (
          <p className="jp-runt-note">
            {trans.__('Open a shared notebook to see its kernel.')}
          </p>
        ) : state === null ? (
          <p className="jp-runt-note">
            {trans.__('This notebook is not connected to the server.')}
          </p>
        ) : (
          this._renderNotebook(control, state)
        )}
        <OtherRuntimes
          runtimes={runtimes}
          current={control?.runtime.info?.notebook_id ?? null}
          trans={trans}
          words={words}
          onOpen={options.onOpen}
          onPerform={options.onPerformElsewhere}
        />
      </>
    );
  }

  protected onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this._options.runtimes.watch();
    this._ticking ??= setInterval(() => {
      if (this._control?.state && !document.hidden) {
        this.update();
      }
    }, TICK_MS);
    this.update();
  }

  protected onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    if (this.isVisible) {
      this.onAfterShow(msg);
    }
  }

  protected onBeforeHide(msg: Message): void {
    super.onBeforeHide(msg);
    this._rest();
  }

  protected onBeforeDetach(msg: Message): void {
    this._rest();
    super.onBeforeDetach(msg);
  }

  /**
   * Let the person have another machine run the kernel, once this is activated.
   */
  offerMachine(): void {
    this._offersMachine = true;
  }

  protected onActivateRequest(): void {
    void this.renderPromise?.then(() => {
      const machines = this.node.querySelector<HTMLDetailsElement>('details');
      if (this._offersMachine && machines !== null) {
        this._offersMachine = false;
        machines.open = true;
        machines.querySelector('input')?.focus();
        return;
      }
      const first = this.node.querySelector<HTMLElement>(
        'button:not([disabled])'
      );
      (first ?? this.node).focus();
    });
  }

  private _parts() {
    const { runtimes, trans, words } = this._options;
    return { options: this._options, runtimes, trans, words };
  }

  private _renderNotebook(
    control: NotebookControl,
    state: IRuntimeState
  ): React.ReactElement {
    const { trans, onCancel, onReveal } = this._options;
    return (
      <>
        <section
          className="jp-runt-section"
          aria-label={trans.__('Kernel of %1', control.panel.title.label)}
        >
          <h2 className="jp-runt-name" title={control.panel.context.path}>
            {control.panel.title.label}
          </h2>
          {this._renderState(control, state)}
          <div className="jp-runt-buttons">
            {KERNEL.map(name => this._renderAction(control, name))}
          </div>
        </section>
        {this._renderMachines(control)}
        <section
          className="jp-runt-section jp-runt-grows"
          aria-label={trans.__('Cells of %1', control.panel.title.label)}
        >
          <h3 className="jp-runt-heading">{trans.__('Cells')}</h3>
          {this._renderProgress(control, state)}
          <ExecutionList {...{ control, trans, onCancel, onReveal }} />
        </section>
      </>
    );
  }

  private _renderMachines(control: NotebookControl): React.ReactElement {
    const { attempt, machines, server, trans } = this._options;
    return (
      <MachineList
        key={control.panel.id}
        machines={machines}
        server={server}
        now={control.runtime.clock.now()}
        words={control.words.runtime}
        trans={trans}
        attempt={attempt}
      />
    );
  }

  private _renderState(
    control: NotebookControl,
    state: IRuntimeState
  ): React.ReactElement {
    const now = control.runtime.clock.now();
    const words = control.words.runtime;
    const Icon = iconOfRuntime(state);
    return (
      <>
        <p
          className="jp-runt-state"
          data-state={tellsEnd(state) ? 'fresh' : state.kind}
        >
          <Icon.react tag="span" className="jp-runt-shape" />
          {words.label(state, now)}
        </p>
        <dl className="jp-runt-facts">
          {words.facts(state, now).map(({ name, value }) => (
            <React.Fragment key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </React.Fragment>
          ))}
        </dl>
      </>
    );
  }

  private _renderProgress(
    control: NotebookControl,
    { progress }: IRuntimeState
  ): React.ReactElement {
    return (
      <>
        {progress !== null && progress.total > 1 && (
          <progress
            className="jp-runt-progress"
            aria-label={control.words.runtime.progress(progress)}
            max={progress.total}
            value={progress.done}
          />
        )}
        <div className="jp-runt-buttons">
          {this._renderAction(control, 'runAll')}
          {this._renderAction(control, 'stopAll')}
        </div>
      </>
    );
  }

  private _renderAction(
    control: NotebookControl,
    name: ActionName
  ): React.ReactElement {
    const { caption, label } = control.actions[name];
    return (
      <button
        key={name}
        className="jp-Button jp-mod-styled"
        disabled={!control.can(name)}
        title={caption}
        onClick={() => this._options.onPerform(name)}
      >
        {label}
      </button>
    );
  }

  private _soon(): void {
    if (this.isVisible) {
      this._timer ??= setTimeout(() => {
        this._timer = undefined;
        this.update();
      }, CALM_MS);
    }
  }

  private _rest(): void {
    this._options.runtimes.unwatch();
    clearInterval(this._ticking);
    clearTimeout(this._timer);
    this._ticking = this._timer = undefined;
  }

  private _control: NotebookControl | null = null;
  private _offersMachine = false;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _ticking: ReturnType<typeof setInterval> | undefined;
}

/**
 * A namespace for RuntimePanel statics.
 */
export namespace RuntimePanel {
  /**
   * The options of a panel.
   */
  export interface IOptions {
    trans: TranslationBundle;
    /** For other notebooks than the current one. */
    words: RuntimeWords;
    runtimes: Runtimes;
    machines: Machines;
    /** Where other machines find the server. */
    server: string;

    /**
     * Do something, and tell what went wrong.
     */
    attempt: (what: Promise<unknown>) => void;

    /**
     * Do something with the current notebook's kernel.
     */
    onPerform: (name: ActionName) => void;

    /**
     * Do something with another notebook's kernel.
     */
    onPerformElsewhere: (info: IRuntimeInfo, name: 'stop' | 'evict') => void;

    /**
     * Take an execution of the current notebook from the queue.
     */
    onCancel: (executionId: string) => void;

    /**
     * Show a cell of the current notebook.
     */
    onReveal: (cellId: string) => void;

    /**
     * Show another notebook.
     */
    onOpen: (path: string) => void;
  }
}
