import type { ISessionContext } from '@jupyterlab/apputils';
import { DisposableDelegate, type IDisposable } from '@lumino/disposable';

import type { RuntimeModel } from '../model/runtime';

/**
 * Keep a tab without a kernel on the notebook's kernel.
 *
 * Whoever runs a cell starts it, and completions, status and interrupt are for
 * everybody. A tab that left the kernel is not brought back to the same one.
 */
export function followKernel(
  sessionContext: ISessionContext,
  model: RuntimeModel
): IDisposable {
  let last: string | null | undefined;
  const attach = async () => {
    await sessionContext.ready;
    const id = model.runtime.kernel_id;
    if (!id || id === last || sessionContext.isDisposed) {
      return;
    }
    if (sessionContext.session?.kernel?.id === id) {
      last = id;
    } else if (sessionContext.hasNoKernel) {
      last = id;
      await sessionContext.changeKernel({ id });
    }
  };
  const slot = () => {
    attach().catch((reason: Error) => {
      // JupyterLab has shown it in a dialog.
      console.warn(`Not attached to the notebook's kernel: ${reason.message}`);
    });
  };
  model.runtimeChanged.connect(slot);
  // The one before may be heard to be gone only after the new one is there.
  sessionContext.kernelChanged.connect(slot);
  slot();
  return new DisposableDelegate(() => {
    model.runtimeChanged.disconnect(slot);
    sessionContext.kernelChanged.disconnect(slot);
  });
}
