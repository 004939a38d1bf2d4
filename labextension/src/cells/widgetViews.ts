import type { ISessionContext } from '@jupyterlab/apputils';
import type { IRenderMime, IRenderMimeRegistry } from '@jupyterlab/rendermime';

export const WIDGET_VIEW = 'application/vnd.jupyter.widget-view+json';

type Session = Pick<ISessionContext, 'iopubMessage' | 'session'>;

/**
 * Show widgets also where the page hears of them after the output that they are in.
 *
 * Outputs come with the document and widgets from the kernel, while the page
 * perhaps still loads their code. ipywidgets waits for two seconds, and then
 * says for good that there is no such model.
 */
export function awaitWidgets(
  rendermime: IRenderMimeRegistry,
  session: Session
): void {
  const create = rendermime.createRenderer.bind(rendermime);
  // Not by a factory: ipywidgets puts its own in the place of any other one.
  rendermime.createRenderer = mimeType => {
    const renderer = create(mimeType);
    if (mimeType === WIDGET_VIEW) {
      awaitWidget(renderer, session);
    }
    return renderer;
  };
}

function awaitWidget(renderer: IRenderMime.IRenderer, session: Session): void {
  const render = renderer.renderModel.bind(renderer);
  let retry: (() => void) | null = null;
  const stop = () => {
    if (retry) {
      session.iopubMessage.disconnect(retry);
      retry = null;
    }
  };
  renderer.disposed.connect(stop);
  renderer.renderModel = async model => {
    stop();
    await render(model);
    const { model_id } = model.data[WIDGET_VIEW] as { model_id?: string };
    const [shown] = renderer.children();
    if (shown || !model_id || renderer.isDisposed) {
      return;
    }
    retry = () => {
      if (session.session?.kernel?.hasComm(model_id)) {
        stop();
        renderer.removeClass('jupyter-widgets'); // which it has as an error
        void render(model);
      }
    };
    session.iopubMessage.connect(retry);
    retry();
  };
}
