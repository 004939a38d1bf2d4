import {
  MimeModel,
  RenderMimeRegistry,
  standardRendererFactories
} from '@jupyterlab/rendermime';
import { ServerConnection } from '@jupyterlab/services';
import { nullTranslator } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { REFERENCE } from './reference';
import { ArtifactRenderer } from './renderer';
import { ArtifactSource } from './source';

const sha256 = 'ab'.repeat(32);
const URL = `http://here/api/runt/notebooks/book/artifacts/${sha256}`;

let shown: () => void;
let fetched: string[];
let answer: () => Response;

beforeEach(() => {
  fetched = [];
  globalThis.IntersectionObserver = class {
    constructor(callback: (entries: object[]) => void) {
      shown = () => callback([{ isIntersecting: true }]);
    }
    observe(): void {}
    disconnect(): void {}
  } as never;
});

function renderer(): ArtifactRenderer {
  const serverSettings = ServerConnection.makeSettings({
    baseUrl: 'http://here/',
    fetch: request => {
      fetched.push((request as Request).url);
      return Promise.resolve(answer());
    }
  });
  const created = new ArtifactRenderer({
    rendermime: new RenderMimeRegistry({
      initialFactories: standardRendererFactories
    }),
    source: new ArtifactSource(() => Promise.resolve('book'), serverSettings),
    trans: nullTranslator.load('jupyter_runt')
  });
  Widget.attach(created, document.body);
  return created;
}

function model(
  reference: object,
  more: object = {},
  trusted = false
): MimeModel {
  const part = { sha256, size: 200, ...reference };
  return new MimeModel({ data: { [REFERENCE]: part, ...more }, trusted });
}

function says(html: string): void {
  answer = () => new Response(html);
}

describe('a reference in an output', () => {
  it('is loaded when it comes onto the screen, and shown as its type is', async () => {
    says('<b class="x">bold</b>');
    const widget = renderer();
    await widget.renderModel(model({ mime: 'text/html' }));
    expect(widget.node.querySelector('b')).toBeNull();
    expect(fetched).toEqual([]);
    shown();
    await vi.waitFor(() =>
      expect(widget.node.querySelector('b')?.textContent).toBe('bold')
    );
    expect(fetched).toEqual([URL]);
    expect(widget.node.querySelector('a')?.href).toBe(URL);
  });

  it('runs no script that its output may not run', async () => {
    says('<img src=x onerror="x()">');
    const widget = renderer();
    await widget.renderModel(model({ mime: 'text/html' }));
    shown();
    await vi.waitFor(() =>
      expect(widget.node.querySelector('img')).not.toBeNull()
    );
    expect(widget.node.innerHTML).not.toContain('onerror');
    const svg = model({ mime: 'image/svg+xml' }, { 'text/plain': 'a drawing' });
    await widget.renderModel(svg);
    expect(widget.node.textContent).toContain('a drawing');
    expect(fetched).toHaveLength(1);
  });

  it('gives way to a content that is inline and shown first', async () => {
    const widget = renderer();
    await widget.renderModel(
      model({ mime: 'image/png' }, { 'text/html': '<i>inline</i>' })
    );
    expect(widget.node.querySelector('i')?.textContent).toBe('inline');
    expect(fetched).toEqual([]);
  });

  it('of a long text is its beginning and its end until somebody wants all', async () => {
    says('all of the text');
    const widget = renderer();
    await widget.renderModel(
      model({ mime: 'text/plain', stream: 'stdout' }, { 'text/plain': 'a … z' })
    );
    expect(widget.node.textContent).toContain('a … z');
    widget.node.querySelector('button')!.click();
    await vi.waitFor(() =>
      expect(widget.node.querySelector('pre')?.textContent).toContain(
        'all of the text'
      )
    );
    expect(widget.node.querySelector('button')).toBeNull();
  });

  it('of many outputs shows how many, and all of them when somebody wants to', async () => {
    const lines = [
      { output_type: 'stream', name: 'stdout', text: 'one\n' },
      { output_type: 'display_data', data: { 'text/html': '<b>2</b>' } }
    ].map(output => `${JSON.stringify({ metadata: {}, ...output })}\n`);
    says(lines.join(''));
    const widget = renderer();
    const mime = 'application/x-ndjson';
    await widget.renderModel(
      model({ mime, outputs: 2 }, { 'text/plain': '2 more outputs' })
    );
    expect(widget.node.textContent).toContain('2 more outputs');
    widget.node.querySelector('button')!.click();
    await vi.waitFor(() =>
      expect(widget.node.querySelector('b')?.textContent).toBe('2')
    );
    expect(widget.node.textContent).toContain('one');
    expect(widget.node.textContent).not.toContain('2 more outputs');
  });

  it('says that it is gone', async () => {
    answer = () => new Response('{}', { status: 404 });
    const widget = renderer();
    await widget.renderModel(model({ mime: 'text/html' }));
    shown();
    await vi.waitFor(() =>
      expect(widget.node.textContent).toContain('This output is gone')
    );
  });

  it('can be tried again where the server did not answer', async () => {
    answer = () => new Response('{}', { status: 503 });
    const widget = renderer();
    await widget.renderModel(model({ mime: 'text/html' }));
    shown();
    await vi.waitFor(() =>
      expect(widget.node.textContent).toContain('could not be loaded')
    );
    says('<b>there</b>');
    widget.node.querySelector('button')!.click();
    await vi.waitFor(() =>
      expect(widget.node.querySelector('b')?.textContent).toBe('there')
    );
  });

  it('shows the last one it was given', async () => {
    says('<b>first</b>');
    const widget = renderer();
    await widget.renderModel(model({ mime: 'text/html' }));
    await widget.renderModel(
      new MimeModel({ data: { 'text/plain': 'plain' } })
    );
    expect(widget.node.textContent).toBe('plain');
    expect(widget.node.querySelector('.jp-runt-ArtifactBar')).toBeNull();
  });
});
