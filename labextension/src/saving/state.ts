import type { ISave } from '../services/runtimeRoom';

/** How long the server may take to acknowledge an edit, in milliseconds. */
export const PATIENCE_MS = 5000;

/** How long all must be saved before it is said, in milliseconds. */
export const CALM_MS = 500;

/**
 * How safe the edits of a tab are.
 */
export type SavingState =
  /** Nothing is known yet, or a copy of the past is shown. */
  | { readonly kind: 'unknown' }
  /** The person may not edit it. */
  | { readonly kind: 'readonly' }
  /** The server's log and the file have everything. */
  | { readonly kind: 'saved'; readonly at: string | null }
  /** They do not have everything yet. */
  | { readonly kind: 'saving' }
  /** They do not get it; why, in the server's words, and if its log has it. */
  | {
      readonly kind: 'failed';
      readonly error: string | null;
      readonly recorded: boolean;
    }
  /** The server has another history of the notebook, or none. */
  | { readonly kind: 'refused' }
  /** There is no server; `kept` if a reload of the tab loses nothing. */
  | {
      readonly kind: 'offline';
      readonly changes: number;
      readonly kept: boolean;
    };

/**
 * What the state follows from.
 */
export interface ISavingFacts {
  /** Whether a document was ever there, and is no copy of the past. */
  known: boolean;
  /** Whether the person may edit it. */
  writable: boolean;
  /** Whether the tab is in step with the server. */
  synced: boolean;
  /** Whether the server does not know what the tab holds. */
  refused: boolean;
  /** Transactions of this tab that the server has not acknowledged. */
  changes: number;
  /** Whether they are kept in this browser. */
  kept: boolean;
  /** For how many milliseconds the server could have acknowledged the first. */
  waiting: number;
  /** What the server says of the file. */
  save: ISave | null;
}

/**
 * Tell how safe the edits are.
 */
export function stateOf(facts: ISavingFacts): SavingState {
  const { known, writable, synced, refused, changes, kept, waiting, save } =
    facts;
  if (!known) {
    return { kind: 'unknown' };
  }
  if (!writable) {
    return { kind: 'readonly' };
  }
  if (!synced) {
    return refused ? { kind: 'refused' } : { kind: 'offline', changes, kept };
  }
  if (save?.status === 'failed') {
    return {
      kind: 'failed',
      error: save.error ?? null,
      recorded: changes === 0
    };
  }
  if (changes > 0) {
    return waiting < PATIENCE_MS
      ? { kind: 'saving' }
      : { kind: 'failed', error: null, recorded: false };
  }
  if (save === null) {
    return { kind: 'unknown' };
  }
  return save.status === 'saving'
    ? { kind: 'saving' }
    : { kind: 'saved', at: save.at };
}

/**
 * Tell whether two states read the same.
 */
export function isSame(one: SavingState, other: SavingState): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/**
 * Shows states, but none that only flashes up: `saved` between two key presses.
 */
export class CalmState {
  constructor(show: (state: SavingState) => void) {
    this._show = show;
  }

  /**
   * What is shown.
   */
  get shown(): SavingState {
    return this._shown;
  }

  /**
   * Show a state, soon.
   */
  set(state: SavingState): void {
    clearTimeout(this._timer);
    if (state.kind === 'saved' && this._shown.kind === 'saving') {
      this._timer = setTimeout(() => this._set(state), CALM_MS);
    } else {
      this._set(state);
    }
  }

  /**
   * Show a state now: it is of something else.
   */
  reset(state: SavingState): void {
    clearTimeout(this._timer);
    this._set(state);
  }

  /**
   * Show nothing else any more.
   */
  dispose(): void {
    clearTimeout(this._timer);
  }

  private _set(state: SavingState): void {
    if (!isSame(state, this._shown)) {
      this._shown = state;
      this._show(state);
    }
  }

  private _show: (state: SavingState) => void;
  private _shown: SavingState = { kind: 'unknown' };
  private _timer: ReturnType<typeof setTimeout> | undefined;
}

/**
 * Tell whether a screen reader says a state: what goes well is not news.
 */
export function isNews(state: SavingState, last: SavingState): boolean {
  const trouble = ({ kind }: SavingState) => {
    return kind === 'offline' || kind === 'failed' || kind === 'refused';
  };
  if (trouble(state)) {
    return state.kind !== last.kind;
  }
  return state.kind === 'saved' && trouble(last);
}
