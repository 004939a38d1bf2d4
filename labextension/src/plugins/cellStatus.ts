import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import type { CellStatuses } from '../runtime/cellStatuses';
import { INotebookRuntimes } from '../tokens';
import { eachNotebook } from './eachNotebook';

const ID = 'jupyter-runt:cell-status';

/**
 * Says below each cell where its last execution is.
 */
export const cellStatus: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'Says below each cell where its last execution is.',
  autoStart: true,
  requires: [INotebookRuntimes],
  optional: [ISettingRegistry, ITranslator],
  activate: (
    app,
    runtimes: INotebookRuntimes,
    registry: ISettingRegistry | null,
    translator: ITranslator | null
  ) => {
    const { user } = app.serviceManager;
    const settings: CellStatuses.ISettings = {
      shown: 'all',
      tellsEdited: true
    };
    const opened = new Set<CellStatuses>();
    eachNotebook(app, panel => {
      const runtime = runtimes.get(panel.context.model);
      if (runtime === undefined) {
        return;
      }
      const create = async () => {
        const { CellStatuses } = await import('../runtime/cellStatuses');
        const { createWords } = await import('../runtime/words');
        if (panel.isDisposed) {
          return;
        }
        const { content: notebook, context } = panel;
        const { cells: words } = createWords(
          context.model.sharedModel,
          user,
          translator ?? nullTranslator
        );
        const made = new CellStatuses({ notebook, runtime, words, settings });
        opened.add(made);
        panel.disposed.connect(() => {
          opened.delete(made);
          made.dispose();
        });
      };
      void create();
    });
    void follow(registry, changed => {
      Object.assign(settings, changed);
      opened.forEach(statuses => statuses.refresh());
    });
  }
};

async function follow(
  registry: ISettingRegistry | null,
  apply: (settings: CellStatuses.ISettings) => void
): Promise<void> {
  const settings = await registry?.load(ID);
  const read = () => {
    apply(settings?.composite as unknown as CellStatuses.ISettings);
  };
  settings?.changed.connect(read);
  read();
}
