import type { CodeCell, ICellModel } from '@jupyterlab/cells';
import type { Notebook } from '@jupyterlab/notebook';
import type { IObservableList } from '@jupyterlab/observables';
import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';
import { PanelLayout } from '@lumino/widgets';

import { onArrival } from '../model/people';
import type { RuntimeModel } from '../model/runtime';
import type { ServerClock } from '../model/serverClock';
import {
  cellStateOf,
  hasRun,
  type ICellState,
  lastOf,
  placeOf
} from './cellState';
import type { CellWords } from './cellWords';
import { sha256 } from './sourceHash';
import { StatusLine } from './statusLine';

/** How much of a frame may be spent on lines, in milliseconds. */
const SLICE_MS = 4;

/** How long changes are waited for: a short cell is drawn once, after its output. */
const TOGETHER_MS = 100;

/** How often a cell that runs says for how long. */
const TICK_MS = 1000;

/** How long after an edit a cell is compared with what ran. */
const COMPARE_MS = 300;

/**
 * Which cells have a line: all that ran, all but those that went well, or none.
 */
export type Shown = 'all' | 'noteworthy' | 'none';

/**
 * Says below each cell of a notebook where its last execution is.
 *
 * Only lines of cells whose execution changed are looked at, a few in each
 * frame. Numbers in the queue are for lines that are seen, and only what runs
 * has a timer.
 */
export class CellStatuses implements IDisposable {
  constructor(private _options: CellStatuses.IOptions) {
    const { notebook, runtime } = _options;
    runtime.model.cellsChanged.connect((_, ids) => {
      this._look(ids);
      this._look(this._seen); // what starts does not wait any more
    }, this);
    runtime.model.queueChanged.connect(() => this._look(this._seen), this);
    runtime.connectedChanged.connect(this.refresh, this);
    notebook.model?.cells.changed.connect(this._onCells, this);
    const { sharedModel } = notebook.model ?? {};
    this._leave = sharedModel && onArrival(sharedModel, () => this.refresh());
    this.refresh();
  }

  /**
   * Look at all cells again: what is to be shown is other than it was.
   */
  refresh(): void {
    this._look(this._lines.keys());
    for (const { cell_id } of this._options.runtime.model.executions.values()) {
      this._look([cell_id]);
    }
  }

  /**
   * Whether nothing is shown any more.
   */
  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /**
   * Take the lines away.
   */
  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._leave?.();
    cancelAnimationFrame(this._frame);
    clearTimeout(this._waiting);
    clearInterval(this._ticking);
    clearTimeout(this._comparing);
    this._observer.disconnect();
    this._lines.forEach(line => line.dispose());
    Signal.clearData(this);
  }

  /** A cell that was moved has another widget. */
  private _onCells(
    _: unknown,
    { newValues }: IObservableList.IChangedArgs<ICellModel>
  ): void {
    const { model } = this._options.runtime;
    this._cells = null;
    this._look(
      newValues.map(({ id }) => id).filter(id => model.idsOfCell(id).size > 0)
    );
  }

  private _onContent(model: ICellModel): void {
    this._hashes.delete(model.id);
    this._edited.add(model.id);
    this._comparing ??= setTimeout(() => {
      this._comparing = undefined;
      this._look(this._edited);
      this._edited.clear();
    }, COMPARE_MS);
  }

  private _look(cellIds: Iterable<string>): void {
    for (const cellId of cellIds) {
      this._dirty.add(cellId);
    }
    if (this._frame === 0 && this._dirty.size > 0 && !this._isDisposed) {
      this._waiting ??= setTimeout(() => {
        this._waiting = undefined;
        this._draw();
      }, TOGETHER_MS);
    }
  }

  /** Looks at cells in the next frames: none come while nobody sees the page. */
  private _draw(): void {
    this._frame = requestAnimationFrame(this._work);
  }

  private _work = () => {
    this._frame = 0;
    const end = performance.now() + SLICE_MS;
    for (const cellId of this._dirty) {
      this._dirty.delete(cellId);
      this._update(cellId);
      if (performance.now() > end) {
        break;
      }
    }
    if (this._dirty.size > 0) {
      this._draw();
    }
    this._tick();
  };

  private _tick(): void {
    if (this._running.size === 0) {
      clearInterval(this._ticking);
      this._ticking = undefined;
    } else {
      this._ticking ??= setInterval(() => this._look(this._running), TICK_MS);
    }
  }

  private _update(cellId: string): void {
    const { model, connected } = this._options.runtime;
    const cell = this._cell(cellId);
    const last = lastOf(model, cellId);
    const state = last === undefined ? null : cellStateOf(model, last);
    if (state === null && !connected && this._lines.has(cellId)) {
      return; // the document that says it is on its way
    }
    const runs = state?.kind === 'running' && connected;
    this._running[runs ? 'add' : 'delete'](cellId);
    if (state !== null) {
      cell?.model.contentChanged.connect(this._onContent, this);
    }
    if (cell?.isPlaceholder()) {
      void cell.ready.then(() => this._look([cellId]));
    } else if (cell && state && this._isShown(cell, state)) {
      this._write(cell, state);
    } else {
      this._lines.get(cellId)?.dispose();
    }
  }

  private _write(cell: CodeCell, state: ICellState): void {
    const { runtime, words } = this._options;
    const { clock, connected, model } = runtime;
    const cellId = cell.model.id;
    const line = this._lines.get(cellId) ?? this._createLine(cell);
    const place = this._seen.has(cellId)
      ? placeOf(model, state.executionId)
      : null;
    this._observe(line, cellId, state.kind === 'queued');
    line.write({
      kind: state.kind,
      label: words.label(state, place, connected ? clock.now() : null),
      edited: this._isEdited(cell, state) ? words.edited(state) : ''
    });
  }

  private _createLine(cell: CodeCell): StatusLine {
    const { runtime, words } = this._options;
    const cellId = cell.model.id;
    const line = new StatusLine(() => {
      const state = cellStateOf(runtime.model, lastOf(runtime.model, cellId)!);
      return state === null ? '' : words.details(state, runtime.clock.now());
    });
    const layout = cell.layout as PanelLayout;
    const input = layout.widgets.findIndex(widget =>
      widget.hasClass('jp-Cell-inputWrapper')
    );
    layout.insertWidget(input + 1, line);
    this._lines.set(cellId, line);
    line.disposed.connect(() => {
      this._observe(line, cellId, false);
      if (this._lines.get(cellId) === line) {
        this._lines.delete(cellId);
      }
    });
    return line;
  }

  private _observe(line: StatusLine, cellId: string, queued: boolean): void {
    if (queued !== this._queued.has(line.node)) {
      if (queued) {
        this._queued.set(line.node, cellId);
        this._observer.observe(line.node);
      } else {
        this._queued.delete(line.node);
        this._observer.unobserve(line.node);
        this._seen.delete(cellId);
      }
    }
  }

  private _onSeen = (entries: IntersectionObserverEntry[]) => {
    for (const { isIntersecting, target } of entries) {
      const cellId = this._queued.get(target);
      if (cellId !== undefined) {
        this._seen[isIntersecting ? 'add' : 'delete'](cellId);
        this._look([cellId]);
      }
    }
  };

  private _isShown(cell: CodeCell, state: ICellState): boolean {
    const { shown } = this._options.settings;
    if (shown === 'noteworthy') {
      return state.kind !== 'ok' || this._isEdited(cell, state);
    }
    return shown === 'all';
  }

  private _isEdited(cell: CodeCell, state: ICellState): boolean {
    const ran = state.execution.source_sha256;
    if (!this._options.settings.tellsEdited || !hasRun(state) || !ran) {
      return false;
    }
    const { id, sharedModel } = cell.model;
    const hash = this._hashes.get(id) ?? sha256(sharedModel.getSource());
    this._hashes.set(id, hash);
    return hash !== ran;
  }

  private _cell(cellId: string): CodeCell | undefined {
    this._cells ??= new Map(
      this._options.notebook.widgets
        .filter(({ model }) => model.type === 'code')
        .map(cell => [cell.model.id, cell as CodeCell])
    );
    const cell = this._cells.get(cellId);
    return cell?.isDisposed ? undefined : cell;
  }

  private _lines = new Map<string, StatusLine>();
  private _cells: Map<string, CodeCell> | null = null;
  /** Cells to look at. */
  private _dirty = new Set<string>();
  /** Cells that run. */
  private _running = new Set<string>();
  /** The lines of cells that wait. */
  private _queued = new Map<Element, string>();
  /** Those of them that are on the screen. */
  private _seen = new Set<string>();
  /** Cells to be compared with what ran. */
  private _edited = new Set<string>();
  private _hashes = new Map<string, string>();
  private _observer = new IntersectionObserver(entries =>
    this._onSeen(entries)
  );
  private _frame = 0;
  private _waiting: ReturnType<typeof setTimeout> | undefined;
  private _ticking: ReturnType<typeof setInterval> | undefined;
  private _leave: (() => void) | undefined;
  private _comparing: ReturnType<typeof setTimeout> | undefined;
  private _isDisposed = false;
}

/**
 * A namespace for CellStatuses statics.
 */
export namespace CellStatuses {
  /**
   * What lines need of a notebook's server side.
   */
  export interface IRuntime {
    readonly model: RuntimeModel;
    readonly clock: ServerClock;
    readonly connected: boolean;
    readonly connectedChanged: ISignal<unknown, boolean>;
  }

  /**
   * What the person wants to see.
   */
  export interface ISettings {
    shown: Shown;
    /** Whether to tell that a cell was edited since it ran. */
    tellsEdited: boolean;
  }

  /**
   * The options of the lines of a notebook.
   */
  export interface IOptions {
    notebook: Pick<Notebook, 'model' | 'widgets'>;
    runtime: IRuntime;
    words: CellWords;
    settings: Readonly<ISettings>;
  }
}
