import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import { URLExt } from '@jupyterlab/coreutils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { IStatusBar } from '@jupyterlab/statusbar';
import {
  ITranslator,
  type TranslationBundle,
  nullTranslator
} from '@jupyterlab/translation';
import { UUID } from '@lumino/coreutils';
import type { Widget } from '@lumino/widgets';

import type { NotebookRuntime } from '../model/notebookRuntime';
import { EditKeep } from '../saving/keep';
import { KeptVersions } from '../saving/keptVersions';
// eslint-disable-next-line jupyter/prefer-lazy-imports -- it must see the first edit
import { NotebookSaving } from '../saving/saving';
import type { StrandedEdits } from '../saving/saving';
import type { SavingState } from '../saving/state';
// eslint-disable-next-line jupyter/prefer-lazy-imports -- the status bar is there at once
import { SavingItem } from '../saving/statusItem';
import { areInHistory, tellStranded, textsOf } from '../saving/stranded';
import { detailsOf, labelOf } from '../saving/words';
import { RuntClient } from '../services/client';
import { documentOf } from '../services/provider';
import type { IKeptVersion } from '../services/runtimeRoom';
import { INotebookRuntimes } from '../tokens';
import { eachNotebook } from './eachNotebook';

const SHOW_HISTORY = 'runt:show-history';

/**
 * Keeps edits until the server has them, and says how safe they are.
 */
export const saving: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-runt:saving',
  description: 'Keeps edits until the server has them, and says how safe.',
  autoStart: true,
  requires: [INotebookRuntimes],
  optional: [IStatusBar, ITranslator],
  activate: (
    app,
    runtimes: INotebookRuntimes,
    statusBar: IStatusBar | null,
    translator: ITranslator | null
  ) => {
    const { commands, shell } = app;
    const { contents, serverSettings } = app.serviceManager;
    const trans = (translator ?? nullTranslator).load('jupyter_runt');
    const client = new RuntClient({ serverSettings });
    const keep = openKeep(() => client.whoAmI());
    const savings = new Map<Widget, NotebookSaving>();
    const item = new SavingItem({
      trans,
      onClick: state => void showDetails(state, commands, trans)
    });
    const follow = () => {
      item.follow(savings.get(shell.currentWidget!) ?? null);
    };
    eachNotebook(app, panel => {
      const runtime = runtimes.get(panel.context.model);
      if (runtime === undefined) {
        return;
      }
      const { context } = panel;
      const path = () => contents.localPath(context.path);
      const made = new NotebookSaving({
        document: documentOf(context.model.sharedModel),
        runtime,
        keep,
        place: () => URLExt.join(serverSettings.baseUrl, path()),
        writable: () =>
          (context.contentsModel?.writable ?? true) &&
          (runtime.info?.writable ?? true),
        onStranded: edits => {
          void strand({ edits, path: path(), runtime, keep, trans });
        }
      });
      const versions = new KeptVersions({
        runtime,
        storage: window.localStorage,
        tell: kept => tellKept(kept, { panel, shell, commands, trans })
      });
      savings.set(panel, made);
      panel.disposed.connect(() => {
        savings.delete(panel);
        made.dispose();
        versions.dispose();
        follow();
      });
      follow();
    });
    shell.currentChanged?.connect(follow);
    statusBar?.registerStatusItem('jupyter-runt:saving', {
      item,
      align: 'left',
      rank: 5,
      isActive: () => item.isActive,
      activeStateChanged: item.activeChanged
    });
    guard(savings);
  }
};

async function openKeep(
  whoAmI: () => Promise<string>
): Promise<EditKeep | null> {
  try {
    return await EditKeep.open(await whoAmI());
  } catch (reason) {
    console.warn(
      'This browser keeps nothing: edits made without a connection do not outlive their tab.',
      reason
    );
    return null;
  }
}

/** A page that goes keeps what it can; only what it cannot is worth a question. */
function guard(savings: ReadonlyMap<Widget, NotebookSaving>): void {
  const flush = () => savings.forEach(saving => void saving.flush());
  window.addEventListener('pagehide', flush);
  document.addEventListener('visibilitychange', flush);
  window.addEventListener('beforeunload', event => {
    flush();
    if ([...savings.values()].some(({ isKept }) => !isKept)) {
      event.preventDefault();
    }
  });
}

interface IStranded {
  edits: StrandedEdits[];
  path: string;
  runtime: NotebookRuntime;
  keep: Promise<EditKeep | null>;
  trans: TranslationBundle;
}

/** Tells of edits that fit no more, unless the notebook's history has them. */
async function strand(options: IStranded): Promise<void> {
  const { edits, runtime } = options;
  const keep = await options.keep;
  if (await areInHistory(edits, runtime).catch(() => false)) {
    await keep?.forget(edits.flatMap(({ id }) => id ?? []));
    return;
  }
  tellStranded({
    ...options,
    keep,
    onKeep: () =>
      runtime.command({
        type: 'keep_version',
        command_id: UUID.uuid4(),
        texts: Object.fromEntries(textsOf(edits))
      })
  });
}

async function showDetails(
  state: SavingState,
  commands: JupyterFrontEnd['commands'],
  trans: TranslationBundle
): Promise<void> {
  const buttons = [Dialog.okButton({ label: trans.__('Close') })];
  if (!['offline', 'readonly', 'refused'].includes(state.kind)) {
    const label = trans.__('Save Now');
    buttons.unshift(Dialog.createButton({ label, actions: ['save'] }));
  }
  const { button } = await showDialog({
    // The body says why.
    title:
      state.kind === 'failed' ? trans.__('Not saved') : labelOf(state, trans),
    body: detailsOf(state, trans),
    buttons
  });
  if (button.actions.includes('save')) {
    // It says itself why it failed.
    await commands.execute('docmanager:save').catch(() => undefined);
  }
}

interface IWindow {
  panel: NotebookPanel;
  shell: { activateById(id: string): void };
  commands: JupyterFrontEnd['commands'];
  trans: TranslationBundle;
}

function tellKept({ message, seq }: IKeptVersion, options: IWindow): void {
  const { panel, shell, commands, trans } = options;
  const show = {
    label: trans.__('Show in History'),
    displayType: 'accent' as const,
    callback: () => {
      shell.activateById(panel.id);
      void commands.execute(SHOW_HISTORY, { seq });
    }
  };
  Notification.warning(message, {
    autoClose: false,
    actions: commands.hasCommand(SHOW_HISTORY) ? [show] : []
  });
}
