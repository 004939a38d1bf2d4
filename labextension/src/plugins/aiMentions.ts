import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import type { Cell } from '@jupyterlab/cells';
import type { CodeEditor } from '@jupyterlab/codeeditor';
import { ICompletionProviderManager } from '@jupyterlab/completer';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { beginsMention, Mentions } from '../ai/mentions';
import { isAICell } from '../model/cellType';

/** JupyterLab's command that opens the completer in a notebook. */
const COMPLETE = 'completer:invoke-notebook';

/**
 * Completes the cells and files that AI cells mention.
 */
export const aiMentions: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-runt:ai-mentions',
  description: 'Completes the cells and files that AI cells mention.',
  autoStart: true,
  requires: [ICompletionProviderManager, INotebookTracker],
  optional: [ITranslator],
  activate: (
    app,
    completers: ICompletionProviderManager,
    tracker: INotebookTracker,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_runt');
    completers.registerProvider(
      new Mentions({
        contents: app.serviceManager.contents,
        trans,
        panelOf: widget =>
          tracker.has(widget as NotebookPanel)
            ? (widget as NotebookPanel)
            : undefined
      })
    );
    onTyped(tracker, editor => {
      const text = editor.model.sharedModel.getSource();
      const offset = editor.getOffsetAt(editor.getCursorPosition());
      if (editor.hasFocus() && beginsMention(text, offset)) {
        void app.commands.execute(COMPLETE);
      }
    });
  }
};

/** Whether a change may begin a mention. */
function isBeginning({ insert }: { insert?: unknown }): boolean {
  return typeof insert === 'string' && /[@/]$/.test(insert);
}

/** Tells of each text that is put into the AI cell that is written in. */
function onTyped(
  tracker: INotebookTracker,
  tell: (editor: CodeEditor.IEditor) => void
): void {
  let followed: Cell['model']['sharedModel'] | null = null;
  const onChange = (
    _: unknown,
    { sourceChange }: { sourceChange?: { insert?: unknown }[] }
  ) => {
    if (sourceChange?.some(isBeginning)) {
      // The cursor is behind it once the editor is done.
      queueMicrotask(() => {
        const editor = tracker.activeCell?.editor;
        if (editor && followed && isAICell(followed)) {
          tell(editor);
        }
      });
    }
  };
  tracker.activeCellChanged.connect((_, cell) => {
    followed?.changed.disconnect(onChange);
    followed = cell?.model.sharedModel ?? null;
    followed?.changed.connect(onChange);
  });
}
