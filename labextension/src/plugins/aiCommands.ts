import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import {
  ITranslator,
  nullTranslator,
  type TranslationBundle
} from '@jupyterlab/translation';
import type { LabIcon } from '@jupyterlab/ui-components';

import type { NotebookAI } from '../ai/notebookAI';
import type { TurnAction } from '../ai/turnBar';
import { hiddenIcon, seenIcon } from '../ai/icons';
import { INotebookAIs } from '../tokens';

const ID = 'jupyter-runt:ai-commands';

/**
 * What can be done with the AI in the current notebook, by keyboard, menu and palette.
 */
export const aiCommands: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'Commands for the AI in the current notebook.',
  autoStart: true,
  requires: [INotebookAIs, INotebookTracker],
  optional: [ICommandPalette, ITranslator],
  activate: (
    app,
    ais: INotebookAIs,
    tracker: INotebookTracker,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_runt');
    const current = () => ais.get(tracker.currentWidget?.content);
    const may = (isPossible: ICommand['isEnabled']) => {
      const ai = current();
      return ai !== undefined && (isPossible?.(ai) ?? ai.isWritable);
    };
    for (const { id, label, icon, isEnabled, execute, ...rest } of [
      ...cellCommands(trans),
      ...turnCommands(trans)
    ]) {
      app.commands.addCommand(id, {
        ...rest,
        label: () => (typeof label === 'string' ? label : label(current())),
        icon: icon && (() => icon(current())),
        describedBy: { args: { type: 'object', properties: {} } },
        isEnabled: () => may(isEnabled),
        execute: () => {
          const ai = current();
          ais.attempt(ai && (execute(ai) ?? undefined));
        }
      });
      palette?.addItem({ command: id, category: trans.__('AI') });
    }
    notify(app, ais, tracker);
  }
};

interface ICommand {
  id: string;
  /** May depend on the notebook that is shown. */
  label: string | ((ai: NotebookAI | undefined) => string);
  caption?: string;
  icon?: (ai: NotebookAI | undefined) => LabIcon;
  /** Where it says nothing, whoever may edit the notebook can do it. */
  isEnabled?: (ai: NotebookAI) => boolean;
  execute: (ai: NotebookAI) => Promise<unknown> | void;
}

function cellCommands(trans: TranslationBundle): ICommand[] {
  return [
    {
      id: 'runt:insert-ai-cell-below',
      label: trans.__('Insert AI Cell Below'),
      execute: ai => ai.insertBelow()
    },
    {
      id: 'runt:change-cell-to-ai',
      label: trans.__('Change to AI Cell Type'),
      execute: ai => ai.changeType('ai')
    },
    {
      id: 'runt:change-cell-to-code',
      label: trans.__('Change AI Cell to Code Cell Type'),
      execute: ai => ai.changeType('code')
    },
    {
      id: 'runt:change-cell-to-markdown',
      label: trans.__('Change AI Cell to Markdown Cell Type'),
      execute: ai => ai.changeType('markdown')
    },
    {
      id: 'runt:change-cell-to-raw',
      label: trans.__('Change AI Cell to Raw Cell Type'),
      execute: ai => ai.changeType('raw')
    },
    {
      id: 'runt:fix-cell',
      label: trans.__('Fix Failed Cell'),
      caption: trans.__('Ask the AI to fix the cell'),
      isEnabled: ai => ai.isWritable && ai.failedCell !== null,
      execute: ai => ai.remedy('fix', ai.failedCell!)
    },
    {
      id: 'runt:explain-cell',
      label: trans.__('Explain Error of Cell'),
      caption: trans.__('Ask the AI to explain the error'),
      isEnabled: ai => ai.isWritable && ai.failedCell !== null,
      execute: ai => ai.remedy('explain', ai.failedCell!)
    },
    {
      id: 'runt:toggle-context-visibility',
      label: ai =>
        ai?.isHidden === true
          ? trans.__('Show Cell to the AI')
          : trans.__('Hide Cell from the AI'),
      icon: ai => (ai?.isHidden === true ? hiddenIcon : seenIcon),
      execute: ai => ai.toggleVisible()
    },
    {
      id: 'runt:choose-context',
      label: trans.__('Choose What the AI Sees'),
      execute: ai => ai.choosing.toggleEyes()
    },
    {
      id: 'runt:choose-shown-cells',
      label: trans.__('Choose the Cells That the Question Shows'),
      isEnabled: ai => ai.isWritable && ai.activeAsker !== null,
      execute: ai => ai.choosing.togglePicking(ai.activeAsker!)
    },
    {
      id: 'runt:toggle-choice',
      label: trans.__('Choose the Selected Cells, or No More'),
      isEnabled: ai => ai.choosing.isActive,
      execute: ai => ai.choosing.toggleSelected()
    },
    {
      id: 'runt:end-choosing',
      label: trans.__('Be Done With Choosing Cells'),
      isEnabled: ai => ai.choosing.isActive,
      execute: ai => ai.choosing.end()
    },
    {
      id: 'runt:show-always-allowed',
      label: trans.__('What the AI May Always Do…'),
      caption: trans.__('See what you always allow here, and take it back'),
      execute: ai => ai.showAllowed()
    },
    {
      id: 'runt:edit-ai-instructions',
      label: trans.__('Edit Instructions for the AI…'),
      caption: trans.__('Say what each model is told about this notebook'),
      execute: ai => ai.editInstructions()
    }
  ];
}

function turnCommands(trans: TranslationBundle): ICommand[] {
  const command = (
    action: TurnAction,
    id: string,
    label: string
  ): ICommand => ({
    id,
    label,
    isEnabled: ai => ai.can(action),
    execute: ai => ai.actions.perform(action, ai.currentTurn!)
  });
  return [
    command('stop', 'runt:stop-turn', trans.__('Stop Answer')),
    command('again', 'runt:ask-again', trans.__('Ask Again')),
    command('undo', 'runt:undo-turn', trans.__('Undo Changes of Answer')),
    command('shown', 'runt:show-context', trans.__('Show What the Model Saw'))
  ];
}

/** What is possible depends on the active cell, and on its turn. */
function notify(
  { commands }: JupyterFrontEnd,
  ais: INotebookAIs,
  tracker: INotebookTracker
): void {
  tracker.activeCellChanged.connect(() => commands.notifyCommandChanged());
  ais.changed.connect(() => commands.notifyCommandChanged());
}
