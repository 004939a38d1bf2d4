// What a person does to a notebook in JupyterLab, on a Yjs document of its shape. Cells are named
// by their ids; a cell that is not here any more is left alone, and the result says so (null).
// Places count characters, not UTF-16 units.
import * as Y from 'yjs';

const clone = value => {
  const copy = new value.constructor();
  if (value instanceof Y.Text) {
    copy.insert(0, value.toString());
  } else if (value instanceof Y.Array) {
    copy.push(value.toArray().map(item => (item instanceof Y.AbstractType ? clone(item) : item)));
  } else {
    value.forEach((item, key) => copy.set(key, item instanceof Y.AbstractType ? clone(item) : item));
  }
  return copy;
};

const shared = (id, cell_type, source) => {
  const cell = new Y.Map();
  cell.set('id', id);
  cell.set('cell_type', cell_type);
  cell.set('source', new Y.Text(source));
  cell.set('metadata', new Y.Map());
  if (cell_type === 'code') {
    cell.set('execution_count', null);
    cell.set('outputs', new Y.Array());
  }
  return cell;
};

export const notebook = doc => {
  const cells = doc.getArray('cells');
  const meta = doc.getMap('meta');
  const index = id => cells.toArray().findIndex(cell => cell.get('id') === id);
  const inCell = (id, act) => {
    const at = index(id);
    return at < 0 ? null : (act(cells.get(at), at) ?? true);
  };
  const units = (text, place) => [...text.toString()].slice(0, place).join('').length;
  return {
    write: ({ cell, place, value }) =>
      inCell(cell, it => {
        const source = it.get('source');
        source.insert(units(source, place), value);
      }),
    erase: ({ cell, place }) =>
      inCell(cell, it => {
        const source = it.get('source');
        const value = [...source.toString()][place];
        if (value === undefined) {
          return null;
        }
        source.delete(units(source, place), value.length);
        return value;
      }),
    add: ({ at, cell, cell_type, source }) =>
      cells.insert(Math.min(at, cells.length), [shared(cell, cell_type, source)]),
    drop: ({ cell }) => inCell(cell, (_, at) => cells.delete(at)),
    move: ({ cell, to }) =>
      inCell(cell, (it, at) =>
        doc.transact(() => {
          const copy = clone(it);
          cells.delete(at);
          cells.insert(Math.min(to, cells.length), [copy]);
        })
      ),
    tag: ({ cell, key }) => inCell(cell, it => void it.get('metadata').set(key, true)),
    label: ({ key }) => void meta.get('metadata').set(key, true),
    show: ({ cell, text }) =>
      inCell(cell, it => {
        const output = { output_type: 'display_data', data: { 'text/plain': text }, metadata: {} };
        it.get('outputs')?.push([new Y.Map(Object.entries(output))]);
      }),
    cells: () => ({ cells: cells.toJSON(), metadata: meta.toJSON().metadata ?? {} }),
    vector: () => [...Y.encodeStateVector(doc)]
  };
};
