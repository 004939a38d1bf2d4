const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * Says when things were, in the person's language.
 */
export class Times {
  constructor(locale: string) {
    // JupyterLab writes a locale as POSIX does.
    const tag = locale.replace('_', '-');
    this._relative = new Intl.RelativeTimeFormat(tag, {
      numeric: 'auto',
      style: 'short'
    });
    this._clock = new Intl.DateTimeFormat(tag, { timeStyle: 'short' });
    this._exact = new Intl.DateTimeFormat(tag, {
      dateStyle: 'full',
      timeStyle: 'medium'
    });
    this._day = new Intl.DateTimeFormat(tag, {
      weekday: 'long',
      day: 'numeric',
      month: 'long'
    });
    this._dayOfYear = new Intl.DateTimeFormat(tag, { dateStyle: 'long' });
    this._second = new Intl.DateTimeFormat(tag, { timeStyle: 'medium' });
    this._moment = new Intl.DateTimeFormat(tag, {
      dateStyle: 'medium',
      timeStyle: 'medium'
    });
  }

  /**
   * Say it shortly: how long ago today, the time of the clock before.
   */
  brief(at: Date, now: Date): string {
    if (!sameDay(at, now)) {
      return this._clock.format(at);
    }
    const seconds = Math.max(0, (now.getTime() - at.getTime()) / 1000);
    if (seconds < MINUTE) {
      return this._relative.format(0, 'second');
    }
    return seconds < HOUR
      ? this._relative.format(-Math.floor(seconds / MINUTE), 'minute')
      : this._relative.format(-Math.floor(seconds / HOUR), 'hour');
  }

  /**
   * Say it with the second.
   */
  exact(at: Date): string {
    return this._exact.format(at);
  }

  /**
   * Say the second, and the day where it is not today.
   */
  moment(at: Date, now: Date): string {
    return (sameDay(at, now) ? this._second : this._moment).format(at);
  }

  /**
   * Say the day.
   */
  day(at: Date, now: Date): string {
    const yesterday = new Date(now);
    yesterday.setDate(now.getDate() - 1);
    if (sameDay(at, now)) {
      return capitalized(this._days(0));
    }
    if (sameDay(at, yesterday)) {
      return capitalized(this._days(-1));
    }
    const recent = now.getTime() - at.getTime() < 300 * DAY * 1000;
    return (recent ? this._day : this._dayOfYear).format(at);
  }

  private _days(count: number): string {
    return this._relative.format(count, 'day');
  }

  private _relative: Intl.RelativeTimeFormat;
  private _clock: Intl.DateTimeFormat;
  private _exact: Intl.DateTimeFormat;
  private _day: Intl.DateTimeFormat;
  private _dayOfYear: Intl.DateTimeFormat;
  private _second: Intl.DateTimeFormat;
  private _moment: Intl.DateTimeFormat;
}

/**
 * Whether two moments are of one day where the person is.
 */
export function sameDay(one: Date, other: Date): boolean {
  return one.toDateString() === other.toDateString();
}

function capitalized(text: string): string {
  return text.charAt(0).toLocaleUpperCase() + text.slice(1);
}
