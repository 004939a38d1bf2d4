import { MainAreaWidget } from '@jupyterlab/apputils';
import type { IEditorServices } from '@jupyterlab/codeeditor';
import type { ITranslator, TranslationBundle } from '@jupyterlab/translation';
import { historyIcon, Toolbar, ToolbarButton } from '@jupyterlab/ui-components';
import { Panel, Widget } from '@lumino/widgets';

import type { IVersion } from '../services/history';
import { authorLine } from './authorLine';
import type { CellAuthors } from './cellAuthors';
import { dateOf } from './days';
import type { Difference } from './difference';
import type { NotebookHistory } from './notebookHistory';
import { reasonOf } from '../services/reasons';
import type { Restorer } from './restorer';
import { Snapshot } from './snapshot';
import type { Times } from '../model/times';

/**
 * A moment that a version is compared with: another version, or now.
 */
export type Moment = IVersion | 'now';

/**
 * Shows a version of a notebook, or what differs between two, in a tab.
 */
export class VersionView extends MainAreaWidget<Panel> {
  constructor(options: VersionView.IOptions) {
    const content = new Panel();
    content.addClass('jp-runt-VersionView');
    content.node.tabIndex = -1;
    // A toolbar that folds its items away can not be filled anew.
    super({ content, toolbar: new Toolbar() });
    this.toolbar.addClass('jp-runt-VersionToolbar');
    this._options = options;
    this._trans = options.translator.load('jupyter_runt');
    this.title.icon = historyIcon;
    this.title.closable = true;
    this._headline.addClass('jp-runt-headline');
    this._headline.node.setAttribute('role', 'status');
  }

  /**
   * Show the notebook as it was.
   */
  async showVersion(version: IVersion): Promise<void> {
    const { history, editorServices, translator } = this._options;
    const trans = this._trans;
    this._entitle(this._moment(version));
    this._offer('compare-now', trans.__('Compare with now'), () =>
      this.compare(version, 'now')
    );
    const before = this._before(version);
    if (before !== null) {
      this._offer(
        'compare-before',
        trans.__('Compare with the version before'),
        () => this.compare(before, version)
      );
    }
    this._offerRestore(trans.__('Restore this notebook'), version);
    await this._fill(
      trans.__(
        '%1 as of %2: %3',
        history.name,
        this._options.times.exact(dateOf(version)),
        version.message || version.summary
      ),
      async () => {
        const snapshot = new Snapshot({
          content: await history.read(version),
          touched: new Set(version.cells),
          panel: history.panel,
          editorServices,
          translator,
          ...this._ofCells(version)
        });
        return { widget: snapshot, shown: () => snapshot.reveal() };
      }
    );
  }

  /**
   * Show what differs between an older and a newer moment.
   */
  async compare(from: IVersion, to: Moment): Promise<void> {
    const { history, editorServices, translator } = this._options;
    const trans = this._trans;
    const [older, newer] = [this._moment(from), this._moment(to)];
    this._entitle(trans.__('%1 → %2', older, newer));
    this._offer('show-older', trans.__('Show %1', older), () =>
      this.showVersion(from)
    );
    if (to !== 'now') {
      this._offer('show-newer', trans.__('Show %1', newer), () =>
        this.showVersion(to)
      );
    }
    let difference: Difference | null = null;
    const shown = this._offerUnchanged(() => {
      void difference?.draw(shown.checked);
    });
    this._offerRestore(trans.__('Restore %1', older), from);
    await this._fill(
      trans.__(
        '%1: %2 at the left, %3 at the right',
        history.name,
        older,
        newer
      ),
      async () => {
        const end = to === 'now' ? null : to.seq;
        const [{ Difference }, answer] = await Promise.all([
          import('./difference'),
          history.compare(from.seq, end)
        ]);
        difference = new Difference({
          difference: answer,
          editorServices,
          rendermime: history.panel.content.rendermime.clone(),
          translator,
          describe: cellId => this._describe(answer.cell_authors[cellId])
        });
        return {
          widget: difference,
          shown: () => difference!.draw(shown.checked)
        };
      }
    );
  }

  /** What can be known of a version's cells, and be done with them. */
  private _ofCells(
    version: IVersion
  ): Pick<Snapshot.IOptions, 'describe' | 'onAuthors' | 'onRestore'> {
    const { cellAuthors, history, restorer } = this._options;
    const isOpening = version.kind === 'file' && version.first_seq === 1;
    return {
      describe: cellId =>
        isOpening ? null : this._describe(version.cell_authors[cellId]),
      onAuthors:
        version.kind === 'kept'
          ? null
          : cellId => void cellAuthors.show(history, version, cellId),
      onRestore: history.isWritable
        ? cellId => void restorer.restore(history, version, cellId)
        : null
    };
  }

  private _describe(actors: readonly string[] = []): HTMLElement | null {
    if (actors.length === 0) {
      return null;
    }
    const authors = actors.map(actor =>
      this._options.history.authors.of(actor)
    );
    const names = authors.map(({ name }) => name).join(', ');
    return authorLine(authors, this._trans.__('Changed by %1', names));
  }

  /** Shows a widget once it is there, unless something else is asked for. */
  private async _fill(
    headline: string,
    create: () => Promise<{ widget: Widget; shown: () => Promise<void> }>
  ): Promise<void> {
    const turn = ++this._turn;
    this._headline.node.textContent = headline;
    this.content.node.setAttribute('aria-busy', 'true');
    const hint = setTimeout(() => this._replace(this._note('…')), 300);
    try {
      const { widget, shown } = await create();
      if (turn !== this._turn || this.isDisposed) {
        widget.dispose();
        return;
      }
      clearTimeout(hint);
      this._replace(widget);
      await shown();
    } catch (reason) {
      if (turn === this._turn && !this.isDisposed) {
        const note = this._note(
          this._trans.__(
            'It can not be shown: %1',
            reasonOf(reason, this._trans)
          )
        );
        note.node.setAttribute('role', 'alert');
        this._replace(note);
      }
    } finally {
      clearTimeout(hint);
      this.content.node.removeAttribute('aria-busy');
    }
  }

  private _replace(widget: Widget): void {
    for (const old of [...this.content.widgets]) {
      if (old !== this._headline) {
        old.dispose();
      }
    }
    this.content.addWidget(this._headline);
    this.content.addWidget(widget);
  }

  private _note(text: string): Widget {
    const note = new Widget();
    note.addClass('jp-runt-note');
    note.node.textContent = text;
    return note;
  }

  /** Names the tab anew, and takes away what was offered before. */
  private _entitle(moment: string): void {
    this.title.label = `${this._options.history.name} @ ${moment}`;
    this.title.caption = this.title.label;
    for (const item of [...this.toolbar.children()]) {
      item.dispose();
    }
  }

  private _offer(name: string, label: string, onClick: () => unknown): void {
    const button = new ToolbarButton({ label, onClick: () => void onClick() });
    this.toolbar.addItem(name, button);
  }

  private _offerRestore(label: string, version: IVersion): void {
    const { history, restorer } = this._options;
    if (history.isWritable) {
      this._offer('restore', label, () => restorer.restore(history, version));
    }
  }

  private _offerUnchanged(onChange: () => void): HTMLInputElement {
    const label = document.createElement('label');
    const box = document.createElement('input');
    box.type = 'checkbox';
    box.addEventListener('change', onChange);
    label.append(box, this._trans.__('Unchanged cells'));
    const item = new Widget({ node: label });
    item.addClass('jp-runt-unchanged');
    this.toolbar.addItem('unchanged', item);
    return box;
  }

  private _moment(moment: Moment): string {
    return moment === 'now'
      ? this._trans.__('now')
      : this._options.times.moment(dateOf(moment), new Date());
  }

  /** The version before, as far as the versions were read. */
  private _before(version: IVersion): IVersion | null {
    const older = this._options.history.model.versions.filter(
      ({ kind, seq }) => seq < version.seq && kind !== 'kept'
    );
    return older[0] ?? null;
  }

  private _options: VersionView.IOptions;
  private _trans: TranslationBundle;
  private _headline = new Widget();
  private _turn = 0;
}

/**
 * A namespace for VersionView statics.
 */
export namespace VersionView {
  /**
   * The options of a view.
   */
  export interface IOptions {
    history: NotebookHistory;
    restorer: Restorer;
    cellAuthors: CellAuthors;
    editorServices: IEditorServices;
    times: Times;
    translator: ITranslator;
  }
}
