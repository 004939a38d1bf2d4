import type { TranslationBundle } from '@jupyterlab/translation';

import type { Times } from '../model/times';
import type { Durations } from '../model/durations';
import type { Names } from '../model/names';
import type { IToken } from '../services/tokens';
import type { IProgress } from './progress';
import { isAlive } from './actions';
import { type IRuntimeState, tellsEnd } from './state';

/**
 * Says in words what the kernel of a notebook does.
 */
export class RuntimeWords {
  constructor(private _options: RuntimeWords.IOptions) {}

  /**
   * Say it in a few words.
   *
   * @param now - How late it is on the server.
   */
  label(state: IRuntimeState, now: number): string {
    const { names, trans } = this._options;
    const label = this._phrase(state, now);
    if (state.isElsewhere && isAlive(state.kind) && !tellsEnd(state)) {
      return trans.__('%1 · on %2', label, state.host!);
    }
    const who = names.ofOther(state.owner);
    return who === null || state.kind !== 'idle'
      ? label
      : trans.__('%1 · started by %2', label, who);
  }

  /**
   * Say what is news to who listens; nothing where all goes as it does.
   */
  news(state: IRuntimeState): string {
    const { trans } = this._options;
    if (tellsEnd(state)) {
      return this._anew(state);
    }
    switch (state.kind) {
      case 'none':
        return trans.__('No kernel');
      case 'starting':
        return '';
      case 'restarting':
        return trans.__('The kernel restarts');
      case 'unresponsive':
        return trans.__('The kernel does not answer');
      case 'lost':
        return trans.__('The kernel is gone. %1', state.reason ?? '');
      case 'asking':
        return trans.__('A cell waits for an answer');
      case 'running':
        return (state.progress?.total ?? 1) > 1 ? trans.__('Cells run') : '';
      case 'idle':
        return trans.__('Nothing runs');
    }
  }

  /**
   * Say what is behind it: when, whose, where, and why.
   */
  details(state: IRuntimeState, now: number): string {
    const facts = this.facts(state, now).map(({ name, value }) =>
      this._options.trans.__('%1: %2', name, value)
    );
    return [this.label(state, now), ...facts].join('\n');
  }

  /**
   * Return what is behind it, one by one, but not what the label says.
   */
  facts(state: IRuntimeState, now: number): { name: string; value: string }[] {
    const { names, times, trans } = this._options;
    const at = (stamp: string) => times.moment(new Date(stamp), new Date(now));
    const facts = [];
    if (state.since !== null) {
      facts.push({ name: trans.__('Since'), value: at(state.since) });
    }
    if (state.owner !== null) {
      const name = state.isElsewhere
        ? trans.__('Machine of')
        : trans.__('Started by');
      facts.push({ name, value: names.of(state.owner) });
    }
    if (state.host !== null) {
      const value = trans.__('%1 on %2', state.kernelName ?? '', state.host);
      facts.push({ name: trans.__('Kernel'), value });
    }
    if (state.waiting > 0) {
      facts.push({
        name: trans.__('Waiting'),
        value: trans._n('%1 cell', '%1 cells', state.waiting)
      });
    }
    if (state.previousEnd !== null) {
      const { at: end, reason } = state.previousEnd;
      facts.push({
        name: trans.__('The kernel before'),
        value: trans.__('%1 Ended: %2', tellsEnd(state) ? '' : reason, at(end))
      });
    }
    return facts;
  }

  /**
   * Say who made a token, and when it ends.
   */
  token({ actor, expires_at }: IToken, now: number): string {
    const { names, times, trans } = this._options;
    const until = times.day(new Date(expires_at), new Date(now));
    const who = names.ofOther(actor);
    return who === null
      ? trans.__('Until %1', until)
      : trans.__('By %1, until %2', who, until);
  }

  /**
   * Say how far the executions are that were asked for.
   */
  progress({ done, total }: IProgress): string {
    return this._options.trans.__('Running %1 of %2', done + 1, total);
  }

  private _anew({ isElsewhere, kind, previousEnd }: IRuntimeState): string {
    const { trans } = this._options;
    const reason = previousEnd?.reason ?? '';
    if (isElsewhere) {
      return trans.__('New kernel: %1', reason);
    }
    return kind === 'starting'
      ? trans.__('Kernel restarts: %1', reason)
      : trans.__('Kernel restarted: %1', reason);
  }

  private _phrase(state: IRuntimeState, now: number): string {
    const { durations, trans } = this._options;
    const { progress, reason, since } = state;
    const took = since === null ? 0 : now - Date.parse(since);
    const many = progress !== null && progress.total > 1;
    if (tellsEnd(state)) {
      return this._anew(state);
    }
    switch (state.kind) {
      case 'none':
        return trans.__('No kernel');
      case 'starting':
        return trans.__('Kernel starts · %1', durations.whole(took));
      case 'restarting':
        return trans.__('Kernel restarts · %1', durations.whole(took));
      case 'unresponsive':
        return trans.__('Kernel silent for %1', durations.whole(took));
      case 'lost':
        return trans.__(
          'Kernel gone: %1',
          reason ?? trans.__('reason unknown')
        );
      case 'idle':
        return trans.__('Idle for %1', durations.rough(took));
      case 'asking':
        return many
          ? trans.__('%1 · waits for an answer', this.progress(progress))
          : trans.__('Waits for an answer');
      case 'running':
        return many
          ? trans.__('%1 · %2', this.progress(progress), durations.whole(took))
          : trans.__('Running for %1', durations.whole(took));
    }
  }
}

/**
 * A namespace for RuntimeWords statics.
 */
export namespace RuntimeWords {
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
