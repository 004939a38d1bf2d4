import type { ISessionContext } from '@jupyterlab/apputils';
import {
  MimeModel,
  RenderMimeRegistry,
  type IRenderMime
} from '@jupyterlab/rendermime';
import { Signal } from '@lumino/signaling';
import { Panel, Widget } from '@lumino/widgets';
import { describe, expect, it } from 'vitest';

import { awaitWidgets, WIDGET_VIEW } from './widgetViews';

const model = new MimeModel({ data: { [WIDGET_VIEW]: { model_id: 'm' } } });

/** A notebook in which ipywidgets knows some models. */
class Stage {
  constructor() {
    awaitWidgets(this.rendermime, this.session);
    // As ipywidgets does, whenever it comes.
    this.rendermime.addFactory({
      safe: false,
      mimeTypes: [WIDGET_VIEW],
      createRenderer: () => {
        const renderModel = () => {
          this.tries += 1;
          if (this.known) {
            panel.addWidget(new Widget());
          } else {
            panel.addClass('jupyter-widgets');
          }
          return Promise.resolve();
        };
        const panel = Object.assign(new Panel(), { renderModel });
        return panel;
      }
    });
    this.renderer = this.rendermime.createRenderer(WIDGET_VIEW);
  }

  /** The page has taken in a message of the kernel. */
  hear(): void {
    this.heard.emit(undefined);
  }

  get shown(): number {
    return [...this.renderer.children()].length;
  }

  readonly renderer: IRenderMime.IRenderer;
  known = false;
  tries = 0;
  readonly rendermime = new RenderMimeRegistry();
  readonly heard = new Signal<object, unknown>({});
  readonly session = {
    iopubMessage: this.heard,
    session: { kernel: { hasComm: (id: string) => this.known && id === 'm' } }
  } as unknown as ISessionContext;
}

describe('a widget in an output', () => {
  it('is shown at once where the page knows it', async () => {
    const stage = new Stage();
    stage.known = true;
    await stage.renderer.renderModel(model);
    stage.hear();
    expect(stage.tries).toBe(1);
  });

  it('is shown when the page hears of it later', async () => {
    const stage = new Stage();
    await stage.renderer.renderModel(model);
    stage.hear();
    expect([stage.tries, stage.shown]).toEqual([1, 0]);
    stage.known = true;
    stage.hear();
    stage.hear();
    expect([stage.tries, stage.shown]).toEqual([2, 1]);
    expect(stage.renderer.hasClass('jupyter-widgets')).toBe(false);
  });

  it('is not waited for where its output is gone', async () => {
    const stage = new Stage();
    await stage.renderer.renderModel(model);
    stage.renderer.dispose();
    stage.known = true;
    stage.hear();
    expect(stage.tries).toBe(1);
  });

  it('is not waited for where it was closed', async () => {
    const stage = new Stage();
    const closed = new MimeModel({ data: { [WIDGET_VIEW]: { model_id: '' } } });
    await stage.renderer.renderModel(closed);
    stage.known = true;
    stage.hear();
    expect(stage.tries).toBe(1);
  });
});
