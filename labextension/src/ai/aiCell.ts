import type { CodeCell, ICellModel } from '@jupyterlab/cells';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { PanelLayout } from '@lumino/widgets';

import { answersOf, partsOf, readAnswer } from '../model/answers';
import { runtMetadata } from '../model/cellType';
import { isActive } from '../model/turns';
import { ANSWER_MIME, type IAnswer, type ITurn } from '../services/ai';
import { AnswerView } from './answerView';
import type { ApprovalList } from './approvalList';
import { EarlierTurns } from './earlierTurns';
import type { Models } from './models';
import { PromptHeader } from './promptHeader';
import { type TurnAction, TurnBar } from './turnBar';
import { endOf, type TurnWords } from './turnWords';

/** What the editor of a Markdown cell highlights. */
const MARKDOWN_MIME = 'text/x-ipythongfm';

/** What needs no language. */
const PLAIN_MIME = 'text/plain';

/**
 * Makes a code cell look and work as one that asks the AI, until it is disposed.
 *
 * The cell's own widget stays: it can become a code cell again at any moment, and its prompt and
 * outputs are those of any other cell.
 */
export class AICell implements IDisposable {
  constructor(private _options: AICell.IOptions) {
    const { approvals, cell, isWritable, models, now } = _options;
    const { onAction, rendermime, trans, words } = _options;
    cell.addClass('jp-runt-AICell');
    this._live = new AnswerView({ rendermime, trans });
    this._live.addClass('jp-runt-mod-live');
    this._live.hide();
    this._earlier = new EarlierTurns({ rendermime, trans });
    this._bar = new TurnBar({ words, trans, now, isWritable, onAction });
    this._header = new PromptHeader({
      trans,
      isWritable,
      onChoose: _options.onModel,
      onOpen: () => void models.refresh(),
      onPick: _options.onPick,
      onSettings: _options.onSettings
    });
    const layout = cell.layout as PanelLayout;
    const input = layout.widgets.findIndex(widget =>
      widget.hasClass('jp-Cell-inputWrapper')
    );
    layout.insertWidget(input, this._header);
    layout.insertWidget(input + 1, this._earlier);
    // What waits is the last thing that was said.
    [this._bar, this._live, approvals].forEach((widget, index) =>
      layout.insertWidget(input + 3 + index, widget)
    );
    this._setUpEditor();
    cell.model.mimeTypeChanged.connect(this._keepMime, this);
    cell.model.metadataChanged.connect(this._onMetadata, this);
    cell.model.contentChanged.connect(this._onContent, this);
    cell.model.outputs.changed.connect(this._onOutputs, this);
    models.changed.connect(this._writeHeader, this);
    models.load();
    this._readAnswers();
    this._writeHeader();
    this._onContent(cell.model);
  }

  /**
   * Load what answers are drawn with, before there is one.
   */
  prepare(): Promise<void> {
    return this._live.prepare();
  }

  /**
   * Show where the cell's last turn is.
   */
  write(turn: ITurn | undefined): void {
    const { cell, trans } = this._options;
    this._turn = turn;
    if (turn && isActive(turn)) {
      this._followed = turn.turn_id;
    }
    const isShown = turn !== undefined && this._isLive(turn);
    cell.toggleClass('jp-runt-mod-answering', isShown);
    this._live.setHidden(!isShown);
    if (isShown) {
      const grows = isActive(turn);
      const end = grows ? null : endOf(turn, trans);
      this._live.draw(partsOf(turn), grows, end);
    } else {
      this._live.draw([], false, null);
    }
    this._writeTurns();
  }

  /**
   * Show again what depends on who looks.
   */
  refresh(): void {
    this._writeHeader();
    this._onContent(this._options.cell.model);
  }

  /**
   * Whether the cell is an ordinary one again.
   */
  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /**
   * Make the cell an ordinary one again.
   */
  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    Signal.clearData(this);
    const { approvals, cell, codeMimeType } = this._options;
    [this._header, this._earlier, this._bar, approvals, this._live].forEach(
      widget => widget.dispose()
    );
    if (!cell.isDisposed) {
      cell.removeClass('jp-runt-AICell');
      cell.removeClass('jp-runt-mod-answering');
      delete cell.editorWidget?.node.dataset.hint;
      cell.model.mimeType = codeMimeType();
      cell.updateEditorConfig({ lineWrap: false, ...this._config });
    }
  }

  /** From when it is asked until the outputs have the answer. */
  private _isLive(turn: ITurn): boolean {
    if (isActive(turn)) {
      return true;
    }
    if (this._followed === turn.turn_id && this._hasAnswer(turn.turn_id)) {
      this._followed = null;
    }
    return this._followed === turn.turn_id;
  }

  private _hasAnswer(turnId: string): boolean {
    const { outputs } = this._options.cell.model;
    for (let index = 0; index < outputs.length; index++) {
      const answer = readAnswer(outputs.get(index).data[ANSWER_MIME]);
      if (answer?.turn_id === turnId) {
        return true;
      }
    }
    return false;
  }

  private _setUpEditor(): void {
    const { cell } = this._options;
    this._config = { ...cell.editorConfig };
    cell.updateEditorConfig({ lineWrap: true });
    this._keepMime(cell.model);
  }

  /** The notebook sets its language's on all of its code cells. */
  private _keepMime(model: Pick<ICellModel, 'mimeType'>): void {
    const { mimeType } = model;
    if (mimeType !== MARKDOWN_MIME) {
      model.mimeType = MARKDOWN_MIME;
      void this._settle(model, mimeType);
    }
  }

  /** An editor takes the language that is loaded last, not the one that was set last. */
  private async _settle(
    model: Pick<ICellModel, 'mimeType'>,
    other: string
  ): Promise<void> {
    if (other !== PLAIN_MIME) {
      const { loadLanguage } = this._options;
      await Promise.all([other, MARKDOWN_MIME].map(loadLanguage));
      if (!this._isDisposed) {
        model.mimeType = PLAIN_MIME; // which is not kept
      }
    }
  }

  private _onMetadata(_: ICellModel, { key }: { key: string }): void {
    if (key === 'runt') {
      this._readAnswers();
      this._writeHeader();
      this._writeTurns();
    }
  }

  private _readAnswers(): void {
    const { sharedModel } = this._options.cell.model;
    this._answers = answersOf(runtMetadata(sharedModel));
  }

  private _onContent({ sharedModel }: ICellModel): void {
    const { cell, isWritable, trans } = this._options;
    const editor = cell.editorWidget?.node;
    if (editor) {
      editor.dataset.hint =
        sharedModel.source === '' && isWritable()
          ? trans.__('Ask about this notebook, or say what to do')
          : '';
    }
    this._writeTurns();
  }

  /** The conversation before the answer that is shown, and what that one answers. */
  private _writeTurns(): void {
    const { sharedModel } = this._options.cell.model;
    const answers = this._answers;
    const shown = this._turn?.turn_id ?? answers.at(-1)?.turn_id;
    const asked = answers.find(({ turn_id }) => turn_id === shown)?.prompt;
    const now = asked ?? sharedModel.source;
    this._bar.write(
      this._turn,
      asked === undefined || asked === sharedModel.source ? '' : asked
    );
    this._earlier.write(
      answers.filter(
        ({ prompt, turn_id }) => turn_id !== shown && prompt !== now
      )
    );
  }

  private _onOutputs(): void {
    if (this._followed !== null) {
      this.write(this._turn);
    }
  }

  private _writeHeader(): void {
    const { cell, models, notebookModel } = this._options;
    const { model } = runtMetadata(cell.model.sharedModel);
    this._header.write(models.known, model ?? notebookModel() ?? '');
    this._header.writeContext(this._options.shows());
  }

  private _header: PromptHeader;
  private _earlier: EarlierTurns;
  private _bar: TurnBar;
  private _live: AnswerView;
  /** The finished turns that the cell keeps. */
  private _answers: IAnswer[] = [];
  private _turn: ITurn | undefined;
  /** The turn that was seen to go on, and whose answer is not in the outputs yet. */
  private _followed: string | null = null;
  private _config: CodeCell['editorConfig'] = {};
  private _isDisposed = false;
}

/**
 * A namespace for AICell statics.
 */
export namespace AICell {
  /**
   * The options of an AI cell.
   */
  export interface IOptions {
    /** It is not a placeholder any more. */
    cell: CodeCell;
    approvals: ApprovalList;
    models: Models;
    rendermime: IRenderMimeRegistry;
    words: TurnWords;
    trans: TranslationBundle;

    /**
     * Return how late it is on the server.
     */
    now: () => number;

    /**
     * Return whether the person may edit the notebook.
     */
    isWritable: () => boolean;

    /**
     * Load what an editor needs for a MIME type.
     */
    loadLanguage: (mimeType: string) => Promise<unknown>;

    /**
     * Return what the notebook's code cells are highlighted as.
     */
    codeMimeType: () => string;

    /**
     * Return the model that the notebook names.
     */
    notebookModel: () => string | undefined;

    /**
     * The person chose a model.
     */
    onModel: (model: string) => void;

    /**
     * Return what the cells are called that were chosen to be shown; null for those above.
     */
    shows: () => string | null;

    /**
     * The person wants to choose which cells are shown.
     */
    onPick: () => void;

    /**
     * The person wants to set a key.
     */
    onSettings: () => void;

    /**
     * The person wants to do something with the turn.
     */
    onAction: (action: TurnAction, turn: ITurn) => void;
  }
}
