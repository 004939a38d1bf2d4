import type { TranslationBundle } from '@jupyterlab/translation';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * Says how long something took, or has taken until now.
 */
export class Durations {
  constructor(
    locale: string,
    private _trans: TranslationBundle
  ) {
    // JupyterLab writes a locale as POSIX does.
    const tag = locale.replace('_', '-');
    this._tenths = new Intl.NumberFormat(tag, {
      minimumFractionDigits: 1,
      maximumFractionDigits: 1
    });
  }

  /**
   * Say how long something took.
   *
   * @param took - In milliseconds.
   */
  exact(took: number): string {
    if (took < SECOND) {
      return this._trans.__('%1 ms', Math.max(1, Math.round(took)));
    }
    if (took < 10 * SECOND) {
      return this._trans.__('%1 s', this._tenths.format(took / SECOND));
    }
    return this.whole(took);
  }

  /**
   * Say how long something has taken until now, in whole seconds.
   *
   * @param took - In milliseconds.
   */
  whole(took: number): string {
    const floor = (unit: number) => Math.floor(Math.max(0, took) / unit);
    if (took < MINUTE) {
      return this._trans.__('%1 s', floor(SECOND));
    }
    if (took < HOUR) {
      return this._trans.__('%1 min %2 s', floor(MINUTE), floor(SECOND) % 60);
    }
    if (took < DAY) {
      return this._trans.__('%1 h %2 min', floor(HOUR), floor(MINUTE) % 60);
    }
    return this._trans.__('%1 d %2 h', floor(DAY), floor(HOUR) % 24);
  }

  /**
   * Say it roughly: in minutes from the first one on.
   */
  rough(took: number): string {
    if (took < MINUTE || took >= HOUR) {
      return this.whole(took);
    }
    return this._trans.__('%1 min', Math.floor(took / MINUTE));
  }

  private _tenths: Intl.NumberFormat;
}

/**
 * Return how many milliseconds lie between two times of the server.
 */
export function between(from: string, to: string): number {
  return Math.max(0, Date.parse(to) - Date.parse(from));
}
