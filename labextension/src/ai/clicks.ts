/**
 * Tell whether a click is the second one of a double click: it would ask twice, or press what came
 * to stand where the first one was.
 *
 * @param detail - How many clicks it is; 0 with the keyboard.
 */
export function isRepeated(detail: number): boolean {
  return detail > 1;
}
