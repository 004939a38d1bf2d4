import type { TranslationBundle } from '@jupyterlab/translation';

import type { Times } from '../model/times';
import { type ICellState, isActive } from './cellState';
import { between, type Durations } from '../model/durations';
import type { Names } from '../model/names';

/**
 * Says in words where the execution of a cell is.
 */
export class CellWords {
  constructor(private _options: CellWords.IOptions) {}

  /**
   * Say it in a few words.
   *
   * @param place - Its number among those that wait, where that is known.
   * @param now - How late it is on the server; null where nobody knows.
   */
  label(state: ICellState, place: number | null, now: number | null): string {
    const { names, trans } = this._options;
    const label = this._phrase(state, place, now);
    const { requested_by } = state.execution;
    const who = names.ofOther(requested_by);
    return who === null ? label : trans.__('%1 · by %2', label, who);
  }

  /**
   * Say who asked for it, and when it began and ended.
   */
  details({ execution }: ICellState, now: number): string {
    const { names, times, trans } = this._options;
    const at = (stamp: string) => times.moment(new Date(stamp), new Date(now));
    const { requested_at, requested_by, started_at, completed_at } = execution;
    const lines = [
      trans.__('Asked for by %1: %2', names.of(requested_by), at(requested_at))
    ];
    if (started_at) {
      lines.push(trans.__('Started: %1', at(started_at)));
    }
    if (completed_at) {
      lines.push(trans.__('Ended: %1', at(completed_at)));
    }
    if (execution.error) {
      const { ename, evalue } = execution.error;
      lines.push(evalue === '' ? ename : `${ename}: ${evalue}`);
    }
    return lines.join('\n');
  }

  /**
   * Say that the cell is not what ran, or will run.
   */
  edited(state: ICellState): string {
    const { trans } = this._options;
    return isActive(state)
      ? trans.__('Edited since: runs as it was')
      : trans.__('Edited since it ran');
  }

  private _phrase(
    state: ICellState,
    place: number | null,
    now: number | null
  ): string {
    const { trans } = this._options;
    const { execution, kind } = state;
    switch (kind) {
      case 'queued':
        return place === null
          ? trans.__('Queued')
          : trans.__('Queued: no. %1', place);
      case 'running':
        return this._running(execution.started_at, now);
      case 'asking':
        return trans.__('Waits for an answer');
      case 'ok':
        return trans.__('Done in %1', this._took(state));
      case 'error':
        return trans.__('Failed after %1', this._took(state));
      case 'interrupted':
        return trans.__('Interrupted after %1', this._took(state));
      case 'cancelled':
      case 'lost':
        return this._unfinished(state);
    }
  }

  private _running(
    startedAt: string | null | undefined,
    now: number | null
  ): string {
    const { durations, trans } = this._options;
    if (now === null || !startedAt) {
      return trans.__('Running');
    }
    const took = durations.whole(now - Date.parse(startedAt));
    return trans.__('Running for %1', took);
  }

  private _unfinished(state: ICellState): string {
    const { trans } = this._options;
    const { kind, execution } = state;
    const reason = execution.reason ?? '';
    const began = Boolean(execution.started_at);
    const [short, long] =
      kind === 'lost'
        ? [trans.__('Lost'), trans.__('Lost after %1', this._took(state))]
        : [
            trans.__('Cancelled'),
            trans.__('Cancelled after %1', this._took(state))
          ];
    const label = began ? long : short;
    return reason === '' ? label : trans.__('%1: %2', label, reason);
  }

  private _took({ execution }: ICellState): string {
    const { started_at, completed_at } = execution;
    return !started_at || !completed_at
      ? ''
      : this._options.durations.exact(between(started_at, completed_at));
  }
}

/**
 * A namespace for CellWords statics.
 */
export namespace CellWords {
  /**
   * The options of the words.
   */
  export interface IOptions {
    durations: Durations;
    names: Pick<Names, 'of' | 'ofOther'>;
    times: Times;
    trans: TranslationBundle;
  }
}
