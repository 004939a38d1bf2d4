import type { NotebookPanel } from '@jupyterlab/notebook';
import type { INotebookContent } from '@jupyterlab/nbformat';
import type { User } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import { UUID } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import type { Command } from '../generated/commands';
import type { NotebookRuntime } from '../model/notebookRuntime';
import { encodeStateVector } from '../model/stateVector';
import type { ICommandReply } from '../services/client';
import type { IDifference, IVersion, IWrittenLine } from '../services/history';
import { Authors } from '../model/authors';
import { CellNames } from '../model/cellNames';
import { HistoryModel } from './model';

/** What is used of the presence of others. */
interface IAwareness {
  getStates(): ReadonlyMap<number, object>;
  on(event: 'change', listener: (changed: { added: number[] }) => void): void;
  off(event: 'change', listener: (changed: { added: number[] }) => void): void;
}

/**
 * The history of one open notebook.
 */
export class NotebookHistory implements IDisposable {
  constructor(options: NotebookHistory.IOptions) {
    this.panel = options.panel;
    this._runtime = options.runtime;
    this._trans = options.trans;
    this.authors = new Authors(() => this._people(), options.trans);
    this.model = new HistoryModel({
      load: (before, limit) =>
        this._runtime.ask((client, id) => client.versions(id, before, limit)),
      head: () => this._runtime.serverState?.seq ?? null,
      headChanged: this._runtime.serverStateChanged
    });
    options.panel.context.model.cells.changed.connect(this._onCells, this);
    this._awareness?.on('change', this._onPeople);
  }

  /**
   * The notebook, where it is open.
   */
  readonly panel: NotebookPanel;

  /**
   * Its versions.
   */
  readonly model: HistoryModel;

  /**
   * The people of its log.
   */
  readonly authors: Authors;

  /**
   * The name of its file.
   */
  get name(): string {
    return this.panel.title.label;
  }

  /**
   * Whether the person may change the notebook.
   */
  get isWritable(): boolean {
    const { contentsModel, model } = this.panel.context;
    return (
      contentsModel?.writable !== false &&
      !model.readOnly &&
      this._runtime.info?.writable !== false
    );
  }

  /**
   * Cells came, went or moved, or people came: they have other names.
   */
  get namesChanged(): ISignal<this, void> {
    return this._namesChanged;
  }

  /**
   * Name cells by where they are now.
   */
  cellNames(): CellNames {
    return new CellNames(this._sharedModel, this._trans);
  }

  /**
   * Read the notebook as it was.
   */
  read(version: IVersion): Promise<INotebookContent> {
    return this._runtime.ask((client, id) => client.notebookAt(id, version));
  }

  /**
   * Compare two moments; null is now.
   */
  compare(from: number, to: number | null): Promise<IDifference> {
    return this._runtime.ask((client, id) => client.difference(id, from, to));
  }

  /**
   * Read who wrote the lines of a cell; null is now.
   */
  cellLines(cellId: string, at: number | null): Promise<IWrittenLine[]> {
    return this._runtime.ask((client, id) => client.cellLines(id, cellId, at));
  }

  /**
   * Make the notebook, or one cell of it, what it was.
   *
   * @returns the way back, or null where nothing had to change.
   */
  async restore(
    seq: number,
    cellId?: string
  ): Promise<(() => Promise<unknown>) | null> {
    const cell_ids = cellId === undefined ? null : [cellId];
    const { events } = await this._command({
      type: 'restore_version',
      seq,
      cell_ids
    });
    if (events.length === 0) {
      return null;
    }
    return () => this._command({ type: 'undo_change', seq: events[0].seq });
  }

  /**
   * Whether it reads no more.
   */
  get isDisposed(): boolean {
    return this.model.isDisposed;
  }

  /**
   * Read no more.
   */
  dispose(): void {
    this.model.dispose();
    this._awareness?.off('change', this._onPeople);
    Signal.clearData(this);
  }

  private _onCells(): void {
    this._namesChanged.emit();
  }

  private _onPeople = ({ added }: { added: number[] }): void => {
    if (added.length > 0) {
      this._namesChanged.emit();
    }
  };

  private _command(command: Command): Promise<ICommandReply> {
    return this._runtime.command({
      ...command,
      command_id: UUID.uuid4(),
      state_vector: encodeStateVector(this._sharedModel)
    });
  }

  private get _sharedModel() {
    return this.panel.context.model.sharedModel;
  }

  private get _awareness() {
    return (this._sharedModel as unknown as { awareness?: IAwareness })
      .awareness;
  }

  private *_people(): Iterable<User.IIdentity> {
    for (const state of this._awareness?.getStates().values() ?? []) {
      const { user } = state as { user?: User.IIdentity };
      if (user?.username) {
        yield user;
      }
    }
  }

  private _runtime: NotebookRuntime;
  private _trans: TranslationBundle;
  private _namesChanged = new Signal<this, void>(this);
}

/**
 * A namespace for NotebookHistory statics.
 */
export namespace NotebookHistory {
  /**
   * The options of a history.
   */
  export interface IOptions {
    panel: NotebookPanel;
    runtime: NotebookRuntime;
    trans: TranslationBundle;
  }
}
