import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import type { Notebook } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';

import type { NotebookAI } from '../ai/notebookAI';
import { Models } from '../ai/models';
import { readModels } from '../services/ai';
import { RuntClient } from '../services/client';
import { INotebookAIs, INotebookRuntimes } from '../tokens';
import { eachNotebook } from './eachNotebook';

/**
 * Makes AI cells of the cells that are some, in each open notebook.
 */
export const ai: JupyterFrontEndPlugin<INotebookAIs> = {
  id: 'jupyter-runt:ai',
  description: 'Lets cells ask an AI.',
  autoStart: true,
  provides: INotebookAIs,
  requires: [INotebookRuntimes],
  optional: [IEditorLanguageRegistry, ITranslator],
  activate: (
    app,
    runtimes: INotebookRuntimes,
    languages: IEditorLanguageRegistry | null,
    translator: ITranslator | null
  ) => {
    translator = translator ?? nullTranslator;
    const { serverSettings, user } = app.serviceManager;
    const client = new RuntClient({ serverSettings });
    const models = new Models(() => readModels(client));
    const opened = new Opened(models);
    eachNotebook(app, panel => {
      const runtime = runtimes.get(panel.context.model);
      if (runtime === undefined) {
        return;
      }
      const create = async () => {
        const { NotebookAI } = await import('../ai/notebookAI');
        if (!panel.isDisposed) {
          opened.add(
            new NotebookAI({
              panel,
              runtime,
              models,
              languages,
              user,
              translator,
              attempt: opened.attempt,
              showSettings: () => void app.commands.execute(SETTINGS)
            })
          );
        }
      };
      void create();
    });
    return opened;
  }
};

const SETTINGS = 'runt:show-ai-keys';

class Opened implements INotebookAIs {
  constructor(readonly models: Models) {}

  readonly changed = new Signal<this, void>(this);

  add(one: NotebookAI): void {
    const { approvals, panel } = one;
    this._all.set(panel.content, one);
    one.changed.connect(() => this.changed.emit());
    approvals.changed.connect(() => this.changed.emit());
    panel.disposed.connect(() => {
      this._all.delete(panel.content);
      one.dispose();
      this.changed.emit();
    });
    this.changed.emit();
  }

  get(notebook: Notebook | null | undefined): NotebookAI | undefined {
    return notebook ? this._all.get(notebook) : undefined;
  }

  all(): Iterable<NotebookAI> {
    return this._all.values();
  }

  attempt = (what: Promise<unknown> | undefined): void => {
    what?.catch((reason: Error) => Notification.error(reason.message));
  };

  private _all = new Map<Notebook, NotebookAI>();
}
