import { describe, expect, it } from 'vitest';
import * as Y from 'yjs';

import type { IExecution } from '../services/client';
import { RuntimeModel } from './runtime';

function execution(values: Partial<IExecution> = {}): IExecution {
  return {
    cell_id: 'c1',
    status: 'requested',
    requested_by: 'user:ada',
    requested_at: '2026-01-01T00:00:00.000Z',
    ...values
  };
}

function yexecution(values: Partial<IExecution> = {}): Y.Map<unknown> {
  return new Y.Map(Object.entries(execution(values)));
}

describe('RuntimeModel', () => {
  it('shows what the document holds when it is followed', () => {
    const document = new Y.Doc();
    document.getMap('executions').set('e1', yexecution());
    document.getMap('runtime').set('kernel_id', 'k1');
    const model = new RuntimeModel();
    model.follow(document);
    expect(model.executions).toEqual(new Map([['e1', execution()]]));
    expect(model.runtime.kernel_id).toBe('k1');
  });

  it('tells which executions came, changed and went', () => {
    const document = new Y.Doc();
    const executions = document.getMap<Y.Map<unknown>>('executions');
    const model = new RuntimeModel();
    model.follow(document);
    const seen: string[][] = [];
    model.executionsChanged.connect((_, ids) => {
      seen.push([...ids]);
    });
    executions.set('e1', yexecution());
    executions.set('e2', yexecution({ cell_id: 'c2' }));
    executions.get('e1')!.set('status', 'running');
    executions.delete('e2');
    expect(seen).toEqual([['e1'], ['e2'], ['e1'], ['e2']]);
    expect(model.executions.get('e1')?.status).toBe('running');
    expect(model.ofCell('c2')).toEqual([]);
  });

  it('tells of which cells executions changed, and what waits', () => {
    const document = new Y.Doc();
    const executions = document.getMap('executions');
    const model = new RuntimeModel();
    model.follow(document);
    const cells: string[][] = [];
    model.cellsChanged.connect((_, ids) => {
      cells.push([...ids]);
    });
    const queues: string[][] = [];
    model.queueChanged.connect(() => {
      queues.push([...model.queue]);
    });
    executions.set('e1', yexecution());
    document.getArray('queue').push(['e1']);
    document.getArray('queue').delete(0);
    executions.delete('e1');
    expect(cells).toEqual([['c1'], ['c1']]);
    expect(queues).toEqual([['e1'], []]);
    expect(model.idsOfCell('c1').size).toBe(0);
  });

  it('keeps the executions of a cell in the order they were asked for', () => {
    const document = new Y.Doc();
    const executions = document.getMap('executions');
    const [early, late] = ['2026-01-01', '2026-01-02'].map(requested_at => ({
      requested_at
    }));
    executions.set('e2', yexecution(late));
    executions.set('e1', yexecution(early));
    const model = new RuntimeModel();
    model.follow(document);
    expect(model.ofCell('c1')).toEqual([execution(early), execution(late)]);
  });

  it('forgets the executions that a new document does not have', () => {
    const first = new Y.Doc();
    first.getMap('executions').set('e1', yexecution());
    const model = new RuntimeModel();
    model.follow(first);
    model.follow(new Y.Doc());
    expect(model.executions.size).toBe(0);
    first.getMap('executions').set('e2', yexecution());
    expect(model.executions.size).toBe(0);
  });

  it('reads executions that are plain values', () => {
    const document = new Y.Doc();
    document.getMap('executions').set('e1', execution());
    const model = new RuntimeModel();
    model.follow(document);
    expect(model.executions.get('e1')).toEqual(execution());
  });
});
