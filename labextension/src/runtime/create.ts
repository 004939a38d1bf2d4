import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { ITranslator } from '@jupyterlab/translation';

import { RuntClient } from '../services/client';
import { actionsOf } from './actions';
import { confirm } from './confirm';
import type { NotebookControl } from './control';
import { Machines } from './machines';
import { Runtimes } from './runtimes';
import { RuntimePanel } from './panel';
import { createWords } from './words';

/**
 * What the panel is made from.
 */
export interface IPanelParts {
  app: JupyterFrontEnd;
  translator: ITranslator;
  /** Returns what is followed now. */
  current: () => NotebookControl | null;
  /** Does something, and tells what went wrong. */
  attempt: (what: Promise<unknown> | undefined) => void;
}

/**
 * Create the panel that shows the kernel of the current notebook.
 */
export function createRuntimePanel(parts: IPanelParts): RuntimePanel {
  const { app, attempt, current, translator } = parts;
  const { serverSettings, user } = app.serviceManager;
  const trans = translator.load('jupyter_runt');
  const actions = actionsOf(trans);
  const client = new RuntClient({ serverSettings });
  const runtimes = new Runtimes(() => client.runtimes());
  const machines = new Machines();
  const panel = new RuntimePanel({
    trans,
    machines,
    server: serverSettings.baseUrl,
    attempt,
    words: createWords({}, user, translator).runtime,
    runtimes,
    onPerform: name => attempt(current()?.perform(name)),
    onCancel: id => attempt(current()?.cancel([id])),
    onReveal: cellId => {
      const control = current();
      if (control !== null) {
        app.shell.activateById(control.panel.id);
        attempt(reveal(control.panel, cellId));
      }
    },
    onOpen: path => {
      attempt(
        app.commands.execute('docmanager:open', { path, factory: 'Notebook' })
      );
    },
    onPerformElsewhere: (info, name) => {
      const perform = async () => {
        if (await confirm(info.path, actions[name], trans)) {
          const { type } = actions[name];
          await client.command(info.notebook_id, { type });
          await runtimes.refresh();
        }
      };
      attempt(perform());
    }
  });
  panel.disposed.connect(() => {
    runtimes.dispose();
    machines.dispose();
  });
  return panel;
}

async function reveal(panel: NotebookPanel, cellId: string): Promise<void> {
  const { content } = panel;
  const index = content.widgets.findIndex(({ model }) => model.id === cellId);
  if (index >= 0) {
    content.activeCellIndex = index;
    content.deselectAll();
    await content.scrollToCell(content.widgets[index]);
  }
}
