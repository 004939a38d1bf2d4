import type { YCodeCell, YNotebook } from '@jupyter/ydoc';
import type { CodeCellModel } from '@jupyterlab/cells';
import type { INotebookModel } from '@jupyterlab/notebook';
import type { OutputAreaModel } from '@jupyterlab/outputarea';
import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';
import type * as Y from 'yjs';

import { outputAuthors, touchedCells } from '../model/provenance';
import type { RuntimeModel } from '../model/runtime';
import type { IExecution, INotebookInfo } from '../services/client';

/**
 * Decides which outputs of a notebook may run scripts in this browser.
 *
 * Outputs are trusted where the server alone wrote them, for an execution that
 * a person asked for or from a file that Jupyter's notary had signed, and where
 * this person trusted them here.
 */
export class TrustKeeper implements IDisposable {
  constructor(options: TrustKeeper.IOptions) {
    this._notebook = options.notebook;
    this._runtime = options.runtime;
    this._document = (options.notebook.sharedModel as YNotebook).ydoc;
    options.notebook.cells.changed.connect(this._onCells, this);
    options.runtime.model.executionsChanged.connect(this._onExecutions, this);
    options.runtime.infoChanged.connect(this._reviewAll, this);
    // Before the models see a change: a script must not run before its review.
    this._document.on('beforeObserverCalls', this._onTransaction);
    this._onCells();
  }

  /**
   * Whether nothing is watched any more.
   */
  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /**
   * Stop watching.
   */
  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._document.off('beforeObserverCalls', this._onTransaction);
    Signal.clearData(this);
  }

  private _onCells(): void {
    const before = this._cells;
    const added: CodeCellModel[] = [];
    this._cells = new Map();
    this._byId.clear();
    for (const model of this._notebook.cells) {
      if (model.type === 'code') {
        const cell = (model.sharedModel as YCodeCell).ymodel;
        this._cells.set(cell, model as CodeCellModel);
        this._byId.set(model.id, model as CodeCellModel);
        if (before.get(cell) !== model) {
          added.push(model as CodeCellModel);
        }
      }
    }
    for (const model of added) {
      if (model.trusted) {
        this._byHand.add(model);
      }
      model.stateChanged.connect(this._onState, this);
    }
    this._review(added);
  }

  private _onTransaction = (transaction: Y.Transaction) => {
    this._review(touchedCells(transaction, this._cells));
  };

  private _onExecutions(
    { executions }: RuntimeModel,
    ids: ReadonlySet<string>
  ): void {
    const ran = [...ids].map(id =>
      this._byId.get(executions.get(id)?.cell_id ?? '')
    );
    this._review(ran.filter(model => model !== undefined));
  }

  private _reviewAll(): void {
    this._review(this._cells.values());
  }

  private _onState(
    model: CodeCellModel,
    { name, newValue }: { name: string; newValue: unknown }
  ): void {
    if (name === 'trusted' && newValue && !this._deciding) {
      this._byHand.add(model);
      this._review([model]);
    }
  }

  private _review(models: Iterable<CodeCellModel>): void {
    this._deciding = true;
    let changed: CodeCellModel | null = null;
    for (const model of models) {
      const trusted = this._isTrustworthy(model);
      if (setTrust(model, trusted)) {
        changed = model;
      }
    }
    if (changed !== null) {
      tellTrust(changed);
    }
    this._deciding = false;
  }

  private _isTrustworthy(model: CodeCellModel): boolean {
    const authors = outputAuthors((model.sharedModel as YCodeCell).ymodel);
    if (authors.size === 1 && authors.has(this._document.clientID)) {
      // "Trust Notebook" writes the outputs anew, and so does a paste.
      return this._byHand.has(model);
    }
    const { info } = this._runtime;
    const trusted = new Set(info?.trusted_clients);
    if (this._ranByPerson(model.id)) {
      info?.server_clients.forEach(client => trusted.add(client));
    }
    return [...authors].every(author => trusted.has(author));
  }

  /**
   * Tells whether a person asked for what wrote the outputs. While a cell waits
   * to run again, that is an execution which the server has forgotten.
   */
  private _ranByPerson(cellId: string): boolean {
    const known = this._runtime.model.ofCell(cellId);
    const last = known.filter(({ started_at }) => started_at).pop();
    if (last === undefined) {
      const waits = known.length > 0 && known.every(isOfPerson);
      return waits && this._ofPeople.has(cellId);
    }
    this._ofPeople[isOfPerson(last) ? 'add' : 'delete'](cellId);
    return isOfPerson(last);
  }

  private _notebook: INotebookModel;
  private _runtime: TrustKeeper.IRuntime;
  private _document: Y.Doc;
  private _cells = new Map<unknown, CodeCellModel>();
  private _byId = new Map<string, CodeCellModel>();
  /** The cells whose outputs are of an execution that a person asked for. */
  private _ofPeople = new Set<string>();
  private _byHand = new WeakSet<CodeCellModel>();
  private _deciding = false;
  private _isDisposed = false;
}

/**
 * A namespace for TrustKeeper statics.
 */
export namespace TrustKeeper {
  /**
   * What trust is decided by.
   */
  export interface IRuntime {
    readonly model: RuntimeModel;
    readonly info: INotebookInfo | null;
    readonly infoChanged: ISignal<unknown, INotebookInfo>;
  }

  /**
   * The options of a keeper.
   */
  export interface IOptions {
    notebook: INotebookModel;
    runtime: IRuntime;
  }
}

function isOfPerson({ requested_by }: IExecution): boolean {
  return requested_by.startsWith('user:');
}

/**
 * Trust a cell's outputs, or stop trusting them, in this browser alone.
 *
 * The model's own setter would write the outputs into the shared document anew,
 * as this browser's, and nobody else could trust them any more.
 *
 * @returns Whether the cell was not what it is now; who listens is to be told.
 */
function setTrust(model: CodeCellModel, trusted: boolean): boolean {
  const outputs = model.outputs as OutputAreaModel;
  if (outputs.trusted !== trusted) {
    outputs.changed.disconnect(model['onOutputsChange'], model);
    outputs['_trusted'] = trusted;
    for (let index = 0; index < outputs.length; index++) {
      const output = outputs.get(index);
      // A stream has no scripts, and a new model would not be seen to grow.
      if (output.type !== 'stream') {
        outputs.set(index, output.toJSON());
      }
    }
    outputs.changed.connect(model['onOutputsChange'], model);
  }
  const before = model.trusted;
  model['_trusted'] = trusted;
  return before !== trusted;
}

/**
 * Tell that cells are trusted now, or no more.
 *
 * Whoever listens looks at all cells of the notebook, and so one tells of all.
 */
function tellTrust(model: CodeCellModel): void {
  const { trusted } = model;
  model.stateChanged.emit({
    name: 'trusted',
    oldValue: !trusted,
    newValue: trusted
  });
  // The status bar's shield listens to this one.
  model.contentChanged.emit();
}
