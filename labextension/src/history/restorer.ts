import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { IVersion } from '../services/history';
import { dateOf } from './days';
import type { NotebookHistory } from './notebookHistory';
import { reasonOf } from '../services/reasons';
import type { Times } from '../model/times';

/** How long the way back is offered at the edge of the screen. */
const OFFERED_MS = 20_000;

/** How long it takes to read that all went well. */
const SEEN_MS = 5000;

/**
 * Makes notebooks what they were, and offers the way back.
 */
export class Restorer {
  constructor(
    private _times: Times,
    private _trans: TranslationBundle
  ) {}

  /**
   * Make a notebook, or one cell of it, what it was at a version.
   */
  async restore(
    history: NotebookHistory,
    version: IVersion,
    cellId?: string
  ): Promise<void> {
    const trans = this._trans;
    const when = this._times.moment(dateOf(version), new Date());
    const undo = await this._try(() => history.restore(version.seq, cellId));
    if (undo === null) {
      Notification.info(
        trans.__('There is nothing to restore: it is the same.'),
        {
          autoClose: SEEN_MS
        }
      );
    } else if (undo !== undefined) {
      const restored = cellId
        ? trans.__('The cell is as of %1 again.', when)
        : trans.__('%1 is as of %2 again.', history.name, when);
      Notification.success(restored, {
        autoClose: OFFERED_MS,
        actions: [
          { label: trans.__('Undo'), callback: () => void this._undo(undo) }
        ]
      });
    }
  }

  private async _undo(undo: () => Promise<unknown>): Promise<void> {
    if ((await this._try(undo)) !== undefined) {
      Notification.success(this._trans.__('It is as before again.'), {
        autoClose: SEEN_MS
      });
    }
  }

  /** Returns undefined where it failed, which is said. */
  private async _try<T>(change: () => Promise<T>): Promise<T | undefined> {
    try {
      return await change();
    } catch (reason) {
      Notification.error(
        this._trans.__(
          'It was not restored: %1',
          reasonOf(reason, this._trans)
        ),
        { autoClose: false }
      );
    }
  }
}
