import { Widget } from '@lumino/widgets';

import type { CellKind } from './cellState';
import { editedIcon, iconOfCell } from './icons';

/**
 * What a line says.
 */
export interface ILineText {
  kind: CellKind;
  label: string;
  /** That the cell is not what ran any more; empty where it is. */
  edited: string;
}

/**
 * The line below a cell that says where its last execution is.
 */
export class StatusLine extends Widget {
  /**
   * @param details - Returns what is told to who asks for more.
   */
  constructor(details: () => string) {
    super();
    this.addClass('jp-runt-CellStatus');
    this.node.setAttribute('role', 'note');
    this._label.className = 'jp-runt-CellStatus-label';
    this.node.append(this._label);
    this.node.addEventListener('pointerenter', () => {
      this.node.title = details();
    });
  }

  /**
   * Say something; costs little where it is the same.
   */
  write({ kind, label, edited }: ILineText): void {
    if (this.node.dataset.kind !== kind) {
      this.node.dataset.kind = kind;
      this._icon.remove();
      this._icon = iconOfCell(kind).element({ tag: 'span' });
      this.node.prepend(this._icon);
    }
    if (this._label.textContent !== label) {
      this._label.textContent = label;
    }
    if ((this._edited?.textContent ?? '') !== edited) {
      this._edited?.remove();
      this._edited = edited === '' ? null : editedNote(edited);
      this.node.append(this._edited ?? '');
    }
  }

  private _icon = document.createElement('span');
  private _label = document.createElement('span');
  private _edited: HTMLElement | null = null;
}

function editedNote(text: string): HTMLElement {
  const note = document.createElement('span');
  note.className = 'jp-runt-CellStatus-edited';
  note.append(editedIcon.element({ tag: 'span' }), text);
  return note;
}
