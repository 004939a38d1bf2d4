import type { TranslationBundle } from '@jupyterlab/translation';

import { between, type Durations } from '../model/durations';
import type { Names } from '../model/names';
import type { ITurn, ITurnFacts, IUsage, TurnStatus } from '../services/ai';

/**
 * Says in words where a turn is.
 */
export class TurnWords {
  constructor(private _options: TurnWords.IOptions) {}

  /**
   * Say it in a few words.
   *
   * @param now - How late it is on the server.
   */
  label(turn: ITurn, now: number): string {
    const { names, trans } = this._options;
    const parts = [this._phrase(turn, now)];
    const who = names.ofOther(turn.requested_by);
    if (who !== null && turn.status !== 'waiting') {
      parts.push(trans.__('asked by %1', who));
    }
    if (turn.undone) {
      parts.push(trans.__('its changes were undone'));
    }
    parts.push(
      nameOf(turn.model),
      this._tokens(turn.usage),
      this._cost(turn.usage)
    );
    return parts.filter(part => part !== '').join(' · ');
  }

  /**
   * Say whose decision is waited for.
   */
  waitsFor(actor: string): string {
    const { names, trans } = this._options;
    const who = names.ofOther(actor);
    return who === null
      ? trans.__('Waits for your decision')
      : trans.__('Waits for a decision by %1', who);
  }

  private _phrase(turn: ITurn, now: number): string {
    const { durations, trans } = this._options;
    const { completed_at, requested_at, requested_by, status } = turn;
    const took = completed_at ? between(requested_at, completed_at) : 0;
    switch (status) {
      case 'running':
        return turn.text === '' && turn.items.length === 0
          ? trans.__('Thinking: %1', this._since(requested_at, now))
          : trans.__('Answering: %1', this._since(requested_at, now));
      case 'waiting':
        return this.waitsFor(requested_by);
      case 'ok':
        return trans.__('Answered in %1', durations.exact(took));
      case 'cancelled':
        return trans.__('Stopped after %1', durations.exact(took));
      case 'error':
        return trans.__('Failed after %1', durations.exact(took));
      case 'limit':
        return trans.__('Reached its limit after %1', durations.exact(took));
      default:
        return trans.__('Lost: the server went away');
    }
  }

  private _since(stamp: string, now: number): string {
    return this._options.durations.whole(now - Date.parse(stamp));
  }

  private _cost(usage: IUsage | null | undefined): string {
    const { cost } = usage ?? {};
    const told = { maximumSignificantDigits: 2 };
    return cost
      ? this._options.trans.__('cost %1', cost.toLocaleString(undefined, told))
      : '';
  }

  private _tokens(usage: IUsage | null | undefined): string {
    const { trans } = this._options;
    const { input_tokens: read, output_tokens: written } = usage ?? {};
    return read || written
      ? trans.__(
          '%1 tokens read, %2 written',
          (read ?? 0).toLocaleString(),
          (written ?? 0).toLocaleString()
        )
      : '';
  }
}

/**
 * A namespace for TurnWords statics.
 */
export namespace TurnWords {
  /**
   * The options of words.
   */
  export interface IOptions {
    durations: Durations;
    names: Names;
    trans: TranslationBundle;
  }
}

/**
 * Return the name of a model without its provider's.
 */
export function nameOf(model: string): string {
  return model.slice(model.indexOf('/') + 1);
}

/**
 * Why an answer ends where it does.
 */
export interface IEnd {
  status: TurnStatus;
  /** In words. */
  why: string;
}

/**
 * Say why an answer ends where it does; null where it is whole.
 */
export function endOf(
  { error, status }: Pick<ITurnFacts, 'error' | 'status'>,
  trans: TranslationBundle
): IEnd | null {
  switch (status) {
    case 'error':
      return { status, why: error || trans.__('The model did not answer.') };
    case 'limit':
      return { status, why: error || trans.__('The answer reached a limit.') };
    case 'lost':
      return {
        status,
        why: error || trans.__('The server went away while this was written.')
      };
    case 'cancelled':
      return { status, why: trans.__('Stopped.') };
    default:
      return null;
  }
}
