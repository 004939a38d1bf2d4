import type { ICompletionContext } from '@jupyterlab/completer';
import { type NotebookPanel, NotebookModel } from '@jupyterlab/notebook';
import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import { beginsMention, Mentions } from './mentions';

function notebook(): NotebookModel {
  const model = new NotebookModel({ collaborationEnabled: true });
  model.sharedModel.insertCells(0, [
    { cell_type: 'code', id: 'c0', source: 'import this\nx' },
    { cell_type: 'code', id: 'c1', metadata: { runt: { type: 'ai' } } }
  ]);
  return model;
}

describe('beginsMention', () => {
  it.each(['@', 'Look at @', '(@', 'a\n@', '@file:a/b/'])('sees %j', text => {
    expect(beginsMention(text, text.length)).toBe(true);
  });

  it.each(['ada@', 'Look at @d', '@ ', '@a/', '@file:a', ''])(
    'sees none in %j',
    text => {
      expect(beginsMention(text, text.length)).toBe(false);
    }
  );
});

describe('Mentions', () => {
  it('offers the other cells and the files beside the notebook', async () => {
    const widgets = [...notebook().cells].map(cell => ({ model: cell }));
    const panel = {
      content: { widgets, activeCell: widgets[1] },
      context: { path: 'a/nb.ipynb' }
    } as unknown as NotebookPanel;
    const content = [
      { path: 'a/nb.ipynb', name: 'nb.ipynb', type: 'notebook' },
      { path: 'a/data.csv', name: 'data.csv', type: 'file' },
      { path: 'a/été 1.csv', name: 'été 1.csv', type: 'file' },
      { path: 'a/raw', name: 'raw', type: 'directory' }
    ];
    const raw = [{ path: 'a/raw/x y.txt', name: 'x y.txt', type: 'file' }];
    const mentions = new Mentions({
      contents: {
        get: path =>
          path === 'a'
            ? Promise.resolve({ content } as never)
            : path === 'a/raw'
              ? Promise.resolve({ content: raw } as never)
              : Promise.reject(new Error(path))
      },
      trans: nullTranslator.load('jupyter_runt'),
      panelOf: widget => (widget === panel ? panel : undefined)
    });
    const context = { widget: panel } as ICompletionContext;
    expect(await mentions.isApplicable(context)).toBe(true);
    const text = 'Plot @da';
    const reply = await mentions.fetch({ text, offset: text.length }, context);
    expect(reply).toMatchObject({ start: 5, end: 8 });
    expect(reply.items.map(({ insertText }) => insertText)).toEqual([
      '@cell:c0',
      '@file:data.csv',
      '@file:"été 1.csv"',
      '@file:raw/'
    ]);
    const deeper = '@file:raw/x';
    const inside = await mentions.fetch(
      { text: deeper, offset: deeper.length },
      context
    );
    expect(inside.items.map(({ insertText }) => insertText)).toEqual([
      '@file:raw/"x y.txt"'
    ]);
    const nowhere = await mentions.fetch(
      { text: '@file:gone/x', offset: 12 },
      context
    );
    expect(nowhere.items).toEqual([]);
    expect((await mentions.fetch({ text, offset: 4 }, context)).items).toEqual(
      []
    );
  });
});
