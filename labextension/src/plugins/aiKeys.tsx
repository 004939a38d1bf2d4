import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { IFormRendererRegistry } from '@jupyterlab/ui-components';
import * as React from 'react';

import { KeysForm } from '../ai/keysForm';
import { RuntClient } from '../services/client';
import { INotebookAIs } from '../tokens';

const ID = 'jupyter-runt:ai-keys';
const SHOW = 'runt:show-ai-keys';

/**
 * Lets people give the keys of providers, in the settings.
 */
export const aiKeys: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'Lets people give the keys of models, in the settings.',
  autoStart: true,
  requires: [INotebookAIs],
  optional: [IFormRendererRegistry, ICommandPalette, ITranslator],
  activate: (
    app,
    ais: INotebookAIs,
    forms: IFormRendererRegistry | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_runt');
    const { serverSettings } = app.serviceManager;
    const client = new RuntClient({ serverSettings });
    forms?.addRenderer(`${ID}.keys`, {
      fieldRenderer: () => (
        <KeysForm client={client} models={ais.models} trans={trans} />
      )
    });
    app.commands.addCommand(SHOW, {
      label: trans.__('AI Models and Keys'),
      caption: trans.__('Give the keys of models, and test them'),
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () =>
        app.commands.execute('settingeditor:open', { query: 'AI Models' })
    });
    palette?.addItem({ command: SHOW, category: trans.__('AI') });
  }
};
