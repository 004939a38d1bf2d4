import * as Y from 'yjs';

/** What every shared type has, whatever its events are. */
interface ISharedType {
  _start: Y.Item | null;
  _map: Map<string, Y.Item>;
  _item: Y.Item | null;
}

/**
 * Collect the Yjs clients that wrote what a code cell's outputs show.
 *
 * The text of streams is left out: it is escaped, whoever wrote it, and long.
 */
export function outputAuthors(cell: Y.Map<unknown>): Set<number> {
  const authors = new Set<number>();
  const outputs = cell.get('outputs');
  if (outputs instanceof Y.Array) {
    collect(outputs, authors);
  }
  return authors;
}

function collect(type: ISharedType, authors: Set<number>): void {
  for (let item = type._start; item !== null; item = item.right) {
    visit(item, authors);
  }
  for (const item of type._map.values()) {
    visit(item, authors);
  }
}

function visit(item: Y.Item, authors: Set<number>): void {
  if (item.deleted) {
    return;
  }
  authors.add(item.id.client);
  if (item.content instanceof Y.ContentType) {
    const type: ISharedType = item.content.type;
    if (!(type instanceof Y.Text && isStream(item.parent))) {
      collect(type, authors);
    }
  }
}

function isStream(output: unknown): boolean {
  return output instanceof Y.Map && output.get('output_type') === 'stream';
}

/**
 * Find the code cells that a transaction touched the outputs of.
 */
export function touchedCells<T>(
  transaction: Y.Transaction,
  cells: ReadonlyMap<unknown, T>
): Set<T> {
  const touched = new Set<T>();
  for (const changed of transaction.changed.keys()) {
    let type: unknown = changed;
    while (type instanceof Y.AbstractType) {
      const cell = cells.get(type);
      if (cell !== undefined) {
        touched.add(cell);
        break;
      }
      type = type._item?.parent;
    }
  }
  return touched;
}
