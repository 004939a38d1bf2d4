import type { ISessionContext } from '@jupyterlab/apputils';
import { PromiseDelegate } from '@lumino/coreutils';
import { Signal } from '@lumino/signaling';
import { describe, expect, it } from 'vitest';
import * as Y from 'yjs';

import { RuntimeModel } from '../model/runtime';
import { followKernel } from './kernel';

/** A tab without a kernel, whose session is not known yet. */
class Tab {
  readonly kernelChanged = new Signal<this, void>(this);
  readonly changes: string[] = [];
  readonly known = new PromiseDelegate<void>();
  readonly ready = this.known.promise;
  readonly isDisposed = false;
  readonly hasNoKernel = true;
  readonly session = null;

  changeKernel({ id }: { id: string }): Promise<void> {
    this.changes.push(id);
    return Promise.resolve();
  }
}

describe('followKernel', () => {
  it('takes a kernel once, however often it is told of before the tab is ready', async () => {
    const tab = new Tab();
    const document = new Y.Doc();
    const model = new RuntimeModel();
    model.follow(document);
    const runtime = document.getMap('runtime');
    runtime.set('kernel_id', 'k1');
    followKernel(tab as unknown as ISessionContext, model);
    runtime.set('status', 'starting');
    runtime.set('status', 'ready');
    tab.known.resolve();
    await new Promise(setImmediate);
    expect(tab.changes).toEqual(['k1']);
  });
});
