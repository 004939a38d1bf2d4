/**
 * Which versions are chosen, by their keys, and which one the keyboard is on.
 */
export interface ISelection {
  active: string | null;
  /** At most two, in the order in which they were chosen. */
  chosen: readonly string[];
}

/**
 * Nothing is chosen.
 */
export const NOTHING: ISelection = { active: null, chosen: [] };

/**
 * Choose one version alone.
 */
export function choose(key: string): ISelection {
  return { active: key, chosen: [key] };
}

/**
 * Choose one more version, or one less; a third takes the second one's place.
 */
export function toggle({ chosen }: ISelection, key: string): ISelection {
  if (chosen.includes(key)) {
    return { active: key, chosen: chosen.filter(each => each !== key) };
  }
  return { active: key, chosen: [...chosen.slice(0, 1), key] };
}

/**
 * Choose all that there is between two versions: its ends.
 */
export function extend(selection: ISelection, key: string): ISelection {
  const anchor = selection.chosen[0] ?? selection.active ?? key;
  return { active: key, chosen: anchor === key ? [key] : [anchor, key] };
}

/**
 * Let the keyboard be on another version, or on the same where there is none.
 *
 * @param keys - All versions, in the order in which they are shown.
 */
export function move(
  selection: ISelection,
  keys: readonly string[],
  by: number
): ISelection {
  const at = keys.indexOf(selection.active ?? '');
  const to = at < 0 ? 0 : at + by;
  const active = keys[Math.max(0, Math.min(keys.length - 1, to))] ?? null;
  return { ...selection, active };
}

/**
 * Forget what is not there any more.
 */
export function within(
  { active, chosen }: ISelection,
  keys: readonly string[]
): ISelection {
  return {
    active: active !== null && keys.includes(active) ? active : null,
    chosen: chosen.filter(key => keys.includes(key))
  };
}
