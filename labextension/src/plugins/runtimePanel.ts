import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import {
  ITranslator,
  type TranslationBundle,
  nullTranslator
} from '@jupyterlab/translation';

import { type ActionName, actionsOf } from '../runtime/actions';
import { lastOf } from '../runtime/cellState';
import { confirm } from '../runtime/confirm';
// eslint-disable-next-line jupyter/prefer-lazy-imports -- the status bar is there at once
import { NotebookControl } from '../runtime/control';
import type { RuntimePanel } from '../runtime/panel';
// eslint-disable-next-line jupyter/prefer-lazy-imports -- the side bar is there at once
import { RuntimeSideBar } from '../runtime/sideBar';
// eslint-disable-next-line jupyter/prefer-lazy-imports -- the status bar is there at once
import { RuntimeItem } from '../runtime/statusItem';
// eslint-disable-next-line jupyter/prefer-lazy-imports -- the status bar is there at once
import { createWords } from '../runtime/words';
import { INotebookRuntimes } from '../tokens';
import { eachNotebook } from './eachNotebook';

const ID = 'jupyter-runt:runtime-panel';
const SHOW = 'runt:show-runtime';
const CANCEL_SELECTED = 'runt:cancel-selected-cells';
const OFFER_MACHINE = 'runt:offer-machine';
const NO_ARGS = { args: { type: 'object' as const, properties: {} } };

/**
 * Shows what the kernel of the current notebook does, and controls it.
 */
export const runtimePanel: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'Shows what the kernel of the notebook does, and controls it.',
  autoStart: true,
  requires: [INotebookRuntimes, INotebookTracker],
  optional: [
    ISettingRegistry,
    IStatusBar,
    ICommandPalette,
    ILayoutRestorer,
    ITranslator
  ],
  activate: (
    app,
    runtimes: INotebookRuntimes,
    tracker: INotebookTracker,
    registry: ISettingRegistry | null,
    statusBar: IStatusBar | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    translator: ITranslator | null
  ) => {
    translator = translator ?? nullTranslator;
    const trans = translator.load('jupyter_runt');
    const controls = new Map<NotebookPanel, NotebookControl>();
    const current = () => controls.get(tracker.currentWidget!) ?? null;
    const attempt = (what: Promise<unknown> | undefined) => {
      what?.catch((reason: Error) => Notification.error(reason.message));
    };
    let panel: RuntimePanel | undefined;
    const sideBar = new RuntimeSideBar(async () => {
      const { createRuntimePanel } = await import('../runtime/create');
      panel = createRuntimePanel({ app, attempt, current, translator });
      panel.control = current();
      return panel;
    }, trans);
    const item = new RuntimeItem({
      trans,
      onClick: () => void app.commands.execute(SHOW),
      onStop: () => attempt(current()?.perform('stopAll'))
    });
    const follow = () => {
      const shown = app.shell.currentWidget as NotebookPanel;
      item.follow(controls.get(shown) ?? null);
      if (panel) {
        panel.control = current();
      }
      app.commands.notifyCommandChanged();
    };
    const asksFirst = followSettings(registry);
    eachNotebook(app, notebook => {
      const runtime = runtimes.get(notebook.context.model);
      if (runtime === undefined) {
        return;
      }
      const { sharedModel } = notebook.context.model;
      const { user } = app.serviceManager;
      const words = createWords(sharedModel, user, translator);
      const control = new NotebookControl({
        panel: notebook,
        runtime,
        words,
        trans,
        confirms: async action =>
          !asksFirst() || confirm(notebook.title.label, action, trans)
      });
      controls.set(notebook, control);
      notebook.disposed.connect(() => {
        controls.delete(notebook);
        follow();
        control.dispose();
      });
      follow();
    });
    tracker.currentChanged.connect(follow);
    app.shell.currentChanged?.connect(follow);
    app.shell.add(sideBar, 'right', { rank: 890, type: 'Runtime' });
    restorer?.add(sideBar, 'jupyter-runt-runtime');
    statusBar?.registerStatusItem(ID, {
      item,
      align: 'left',
      rank: 2,
      isActive: () => item.isActive,
      activeStateChanged: item.activeChanged
    });
    const ids = addCommands({
      app,
      attempt,
      current,
      sideBar,
      trans,
      offerMachine: async () => {
        app.shell.activateById(sideBar.id);
        await sideBar.loaded;
        panel?.offerMachine();
      }
    });
    for (const command of ids) {
      const category = trans.__('Notebook Runtime');
      palette?.addItem({ command, category });
    }
  }
};

/** Returns what the person wants to be asked. */
function followSettings(registry: ISettingRegistry | null): () => boolean {
  let asks = true;
  const load = async () => {
    const settings = await registry?.load(ID);
    const read = () => {
      asks = settings?.composite['asksFirst'] !== false;
    };
    settings?.changed.connect(read);
    read();
  };
  void load();
  return () => asks;
}

interface ICommandParts {
  app: JupyterFrontEnd;
  attempt: (what: Promise<unknown> | undefined) => void;
  current: () => NotebookControl | null;
  sideBar: RuntimeSideBar;
  trans: TranslationBundle;
  offerMachine: () => Promise<void>;
}

/** Returns the ids of the commands. */
function addCommands(parts: ICommandParts): string[] {
  const { app, attempt, current, sideBar, trans } = parts;
  const { commands, shell } = app;
  const ids = [SHOW, CANCEL_SELECTED, OFFER_MACHINE];
  commands.addCommand(SHOW, {
    label: trans.__('Notebook Runtime'),
    caption: trans.__('Show the kernel of the current notebook and its cells'),
    describedBy: NO_ARGS,
    execute: () => shell.activateById(sideBar.id)
  });
  commands.addCommand(OFFER_MACHINE, {
    label: trans.__('Run the Kernel on Another Machine…'),
    caption: trans.__('Make a token with which another machine runs it'),
    describedBy: NO_ARGS,
    isEnabled: () => current() !== null,
    execute: () => attempt(parts.offerMachine())
  });
  commands.addCommand(CANCEL_SELECTED, {
    label: trans.__('Cancel Selected Cells'),
    caption: trans.__('Take the selected cells from the queue, or interrupt'),
    describedBy: NO_ARGS,
    isEnabled: () => current()?.can('stopAll') ?? false,
    execute: () => {
      const control = current();
      const selected = control === null ? [] : activeOf(control);
      attempt(selected.length > 0 ? control?.cancel(selected) : undefined);
    }
  });
  const actions = Object.entries(actionsOf(trans));
  for (const [name, { id, title, caption }] of actions) {
    ids.push(id);
    commands.addCommand(id, {
      label: title,
      caption,
      describedBy: NO_ARGS,
      isEnabled: () => current()?.can(name as ActionName) ?? false,
      execute: () => attempt(current()?.perform(name as ActionName))
    });
  }
  return ids;
}

/** Returns the executions of the selected cells that have not ended. */
function activeOf({ panel, runtime }: NotebookControl): string[] {
  const queue = new Set(runtime.model.queue);
  return panel.content.selectedCells
    .map(({ model }) => lastOf(runtime.model, model.id))
    .filter(id => id !== undefined && queue.has(id)) as string[];
}
