import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { WaitingItem } from '../ai/waitingItem';
import { INotebookAIs } from '../tokens';

const ID = 'jupyter-runt:ai-waiting';
const GO = 'runt:show-decision';

/**
 * Leads to what the AI waits for.
 */
export const aiWaiting: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'Leads to what the AI waits for.',
  autoStart: true,
  requires: [INotebookAIs],
  optional: [IStatusBar, ICommandPalette, ITranslator],
  activate: (
    app,
    ais: INotebookAIs,
    statusBar: IStatusBar | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ) => {
    const { commands, shell } = app;
    const trans = (translator ?? nullTranslator).load('jupyter_runt');
    const waiting = () =>
      [...ais.all()].flatMap(ai => ai.approvals.mine.map(() => ai));
    commands.addCommand(GO, {
      label: trans.__('Decide What the AI Waits For'),
      caption: trans.__('Go to what an AI cell waits for you to decide'),
      describedBy: { args: { type: 'object', properties: {} } },
      isEnabled: () => waiting().length > 0,
      execute: () => {
        const ai = waiting().at(0);
        if (ai !== undefined) {
          shell.activateById(ai.panel.id);
          ais.attempt(ai.goToApproval());
        }
      }
    });
    palette?.addItem({ command: GO, category: trans.__('AI') });
    const item = new WaitingItem(trans, () => void commands.execute(GO));
    ais.changed.connect(() => {
      item.write(waiting().length);
      commands.notifyCommandChanged(GO);
    });
    statusBar?.registerStatusItem(ID, {
      item,
      align: 'left',
      rank: 3,
      isActive: () => item.isActive,
      activeStateChanged: item.activeChanged
    });
  }
};
