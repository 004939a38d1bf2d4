import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it, vi } from 'vitest';

import type { IVersion } from '../services/history';
import type { CellAuthors } from './cellAuthors';
import type { NotebookHistory } from './notebookHistory';
import type { Restorer } from './restorer';
import { Times } from '../model/times';
import { VersionView } from './versionView';

function version(seq: number): IVersion {
  return {
    seq,
    first_seq: seq,
    recorded_at: '2026-01-01T00:00:00Z',
    authors: ['user:ada'],
    kind: 'edits',
    cells: [],
    cell_authors: {},
    summary: 'Edited 1 cell'
  };
}

function setUp(isWritable: boolean) {
  const read = vi.fn<NotebookHistory['read']>();
  const history = {
    name: 'nb.ipynb',
    isWritable,
    model: { versions: [version(9), version(5)] },
    read
  };
  const view = new VersionView({
    history: history as unknown as NotebookHistory,
    restorer: {} as Restorer,
    cellAuthors: {} as CellAuthors,
    editorServices: {} as VersionView.IOptions['editorServices'],
    times: new Times('en'),
    translator: nullTranslator
  });
  return { read, view };
}

describe('VersionView', () => {
  it('offers to compare and to restore', async () => {
    const { read, view } = setUp(true);
    read.mockRejectedValue(new Error('away'));
    await view.showVersion(version(9));
    expect([...view.toolbar.names()]).toEqual([
      'compare-now',
      'compare-before',
      'restore'
    ]);
    await view.showVersion(version(5));
    expect([...view.toolbar.names()]).toEqual(['compare-now', 'restore']);
    view.dispose();
  });

  it('offers no change to those who may only read', async () => {
    const { read, view } = setUp(false);
    read.mockRejectedValue(new Error('away'));
    await view.showVersion(version(9));
    expect([...view.toolbar.names()]).not.toContain('restore');
    view.dispose();
  });

  it('says why a version can not be shown', async () => {
    const { read, view } = setUp(true);
    read.mockRejectedValue(new Error('It was folded.'));
    await view.showVersion(version(9));
    const [alert] = view.node.querySelectorAll('[role=alert]');
    expect(alert.textContent).toContain('It was folded.');
    view.dispose();
  });

  it('shows what was asked for last, whatever comes last', async () => {
    const { read, view } = setUp(true);
    let fail: (reason: Error) => void = () => {};
    read.mockImplementationOnce(
      () => new Promise((_, reject) => (fail = reject))
    );
    read.mockRejectedValueOnce(new Error('second'));
    const first = view.showVersion(version(9));
    await view.showVersion(version(5));
    fail(new Error('first'));
    await first;
    expect(view.node.textContent).toContain('second');
    expect(view.node.textContent).not.toContain('first');
    view.dispose();
  });
});
