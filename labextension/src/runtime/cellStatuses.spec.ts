import type { Notebook } from '@jupyterlab/notebook';
import { nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import { Panel, Widget } from '@lumino/widgets';
import { afterEach, describe, expect, it, vi } from 'vitest';
import * as Y from 'yjs';

import { RuntimeModel } from '../model/runtime';
import { ServerClock } from '../model/serverClock';
import { CellStatuses } from './cellStatuses';
import { sha256 } from './sourceHash';
import { createWords } from './words';

const AT = '2026-01-01T00:00:00.000Z';
const STARTED = '2026-01-01T00:00:01.000Z';

/** A notebook of code cells, of which each reads as its id. */
class Stage {
  constructor(...ids: string[]) {
    this.runtime.model.follow(this.document);
    this.runtime.clock.set('2026-01-01T00:00:13.000Z');
    this.cells = ids.map(id => new Cell(id));
    const { cells: words } = createWords(
      {},
      { identity: null },
      nullTranslator
    );
    this.statuses = new CellStatuses({
      notebook: { model: null, widgets: this.cells } as unknown as Notebook,
      runtime: this.runtime,
      words,
      settings: this.settings
    });
  }

  /** The server says something of the execution of a cell. */
  says(id: string, values: object): void {
    this.document.getMap('executions').set(`of ${id}`, {
      cell_id: id,
      requested_by: 'user:local',
      requested_at: AT,
      source_sha256: sha256(id),
      ...values
    });
  }

  get lines(): string[] {
    return this.cells.map(
      ({ node }) => node.querySelector('.jp-runt-CellStatus')?.textContent ?? ''
    );
  }

  shows(...lines: string[]): Promise<void> {
    return vi.waitFor(() => expect(this.lines).toEqual(lines));
  }

  readonly document = new Y.Doc();
  readonly settings: CellStatuses.ISettings = {
    shown: 'all',
    tellsEdited: true
  };
  readonly runtime = {
    model: new RuntimeModel(),
    clock: new ServerClock(() => 0),
    connected: true,
    connectedChanged: new Signal<object, boolean>({})
  };
  readonly cells: Cell[];
  readonly statuses: CellStatuses;
}

class Cell extends Panel {
  constructor(id: string) {
    super();
    let source = id;
    const sharedModel = { getSource: () => source };
    const model = { id, type: 'code', sharedModel };
    const contentChanged = new Signal<object, void>(model);
    this.model = { ...model, contentChanged };
    this.edit = text => {
      source = text;
      contentChanged.emit();
    };
    for (const part of ['jp-Cell-inputWrapper', 'jp-Cell-outputWrapper']) {
      const widget = new Widget();
      widget.addClass(part);
      this.addWidget(widget);
    }
  }

  isPlaceholder(): boolean {
    return this.placeholder;
  }

  placeholder = false;
  readonly ready = Promise.resolve();
  readonly model: object;
  readonly edit: (text: string) => void;
}

let stage: Stage;

afterEach(() => stage.statuses.dispose());

describe('CellStatuses', () => {
  it('says where the last execution of each cell is, below its input', async () => {
    stage = new Stage('c1', 'c2', 'c3');
    stage.says('c1', { status: 'running', started_at: STARTED });
    stage.says('c2', { status: 'requested' });
    await stage.shows('Running for 12 s', 'Queued', '');
    const [cell] = stage.cells;
    expect(cell.widgets[1].node.textContent).toBe('Running for 12 s');
    stage.says('c1', {
      status: 'ok',
      started_at: STARTED,
      completed_at: '2026-01-01T00:00:02.200Z'
    });
    stage.document.getMap('executions').delete('of c2');
    await stage.shows('Done in 1.2 s', '', '');
  });

  it('says of a cell that it was edited since it ran', async () => {
    stage = new Stage('c1');
    const ran = { started_at: STARTED, completed_at: STARTED };
    stage.says('c1', { status: 'ok', ...ran });
    await stage.shows('Done in 1 ms');
    stage.cells[0].edit('c1 + 1');
    await stage.shows('Done in 1 msEdited since it ran');
    stage.cells[0].edit('c1');
    await stage.shows('Done in 1 ms');
    stage.says('c1', { status: 'ok', ...ran, source_sha256: sha256('c2') });
    await stage.shows('Done in 1 msEdited since it ran');
    stage.settings.tellsEdited = false;
    stage.statuses.refresh();
    await stage.shows('Done in 1 ms');
  });

  it('leaves out what went well where the person wants that', async () => {
    stage = new Stage('c1', 'c2');
    stage.settings.shown = 'noteworthy';
    stage.says('c1', { status: 'ok', started_at: AT, completed_at: AT });
    stage.says('c2', { status: 'cancelled', completed_at: AT });
    await stage.shows('', 'Cancelled');
    stage.cells[0].edit('other');
    await stage.shows('Done in 1 msEdited since it ran', 'Cancelled');
    stage.settings.shown = 'none';
    stage.statuses.refresh();
    await stage.shows('', '');
  });

  it('keeps what it said, without a time, while there is no connection', async () => {
    stage = new Stage('c1');
    stage.says('c1', { status: 'running', started_at: STARTED });
    await stage.shows('Running for 12 s');
    stage.runtime.connected = false;
    stage.runtime.connectedChanged.emit(false);
    await stage.shows('Running');
    stage.document.getMap('executions').delete('of c1');
    stage.statuses.refresh();
    await stage.shows('Running');
    stage.runtime.connected = true;
    stage.runtime.connectedChanged.emit(true);
    await stage.shows('');
  });

  it('waits for a cell that is not drawn yet', async () => {
    stage = new Stage('c1');
    stage.cells[0].placeholder = true;
    stage.says('c1', { status: 'requested' });
    stage.cells[0].placeholder = false;
    await stage.shows('Queued');
  });
});
