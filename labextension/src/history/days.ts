import type { IVersion } from '../services/history';
import { sameDay, type Times } from '../model/times';

/**
 * The versions of one day, newest first.
 */
export interface IDay {
  label: string;
  versions: IVersion[];
}

/**
 * Return what stays the same of a version while it goes on.
 */
export function keyOf({ kind, first_seq }: IVersion): string {
  return `${kind}-${first_seq}`;
}

/**
 * Return when a version was made.
 */
export function dateOf({ recorded_at }: IVersion): Date {
  return new Date(recorded_at);
}

/**
 * Group versions by the days of the place where the person is.
 */
export function byDay(
  versions: readonly IVersion[],
  now: Date,
  times: Times
): IDay[] {
  const days: IDay[] = [];
  let last: Date | null = null;
  for (const version of versions) {
    const at = dateOf(version);
    if (last === null || !sameDay(at, last)) {
      days.push({ label: times.day(at, now), versions: [] });
      last = at;
    }
    days[days.length - 1].versions.push(version);
  }
  return days;
}
