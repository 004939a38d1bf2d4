import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import {
  forgetKey,
  giveKey,
  type IProviderInfo,
  testProvider
} from '../services/ai';
import type { RuntClient } from '../services/client';
import type { Models } from './models';

/**
 * What the form is made from.
 */
export interface IKeysFormProps {
  client: RuntClient;
  models: Models;
  trans: TranslationBundle;
}

/**
 * Lets a person give the keys of providers, and test them. They are never shown again.
 */
export function KeysForm(props: IKeysFormProps): React.ReactElement {
  const { models, trans } = props;
  const [known, setKnown] = React.useState(models.known);
  React.useEffect(() => {
    const onChange = () => setKnown(models.known);
    models.changed.connect(onChange);
    void models.refresh();
    return () => {
      models.changed.disconnect(onChange);
    };
  }, [models]);
  return (
    <div className="jp-runt-Keys">
      <p>
        {trans.__(
          'A key that you give here is kept on the server, for you alone. Nobody can read it there, you neither; give another one, or have it forgotten.'
        )}
      </p>
      {known === null && <p>{trans.__('Asking the server…')}</p>}
      {known?.providers.map(provider => (
        <ProviderRow key={provider.name} provider={provider} {...props} />
      ))}
    </div>
  );
}

function ProviderRow(
  props: IKeysFormProps & { provider: IProviderInfo }
): React.ReactElement {
  const { client, models, provider, trans } = props;
  const { name } = provider;
  const [key, setKey] = React.useState('');
  const [says, setSays] = React.useState('');
  const [busy, setBusy] = React.useState(false);
  const run = async (what: () => Promise<string>) => {
    setBusy(true);
    setSays('');
    try {
      setSays(await what());
    } catch (reason) {
      setSays((reason as Error).message);
    }
    setBusy(false);
  };
  const test = async () => {
    const { problem, ready } = await testProvider(client, name);
    await models.refresh();
    return ready ? trans.__('It works.') : (problem ?? trans.__('It failed.'));
  };
  const give = () =>
    run(async () => {
      await giveKey(client, name, key);
      setKey('');
      return test();
    });
  const forget = () =>
    run(async () => {
      await forgetKey(client, name);
      await models.refresh();
      return trans.__('Your key is forgotten.');
    });
  return (
    <fieldset className="jp-runt-Keys-provider" disabled={busy}>
      <legend>{name}</legend>
      <p>{stateOf(provider, trans)}</p>
      <input
        type="password"
        className="jp-mod-styled"
        autoComplete="off"
        spellCheck={false}
        value={key}
        placeholder={trans.__('A new key')}
        aria-label={trans.__('A new key for %1', name)}
        onChange={event => setKey(event.target.value)}
        onKeyDown={event => {
          if (event.key === 'Enter') {
            event.preventDefault();
            void give();
          }
        }}
      />
      <button
        type="button"
        className="jp-Button jp-mod-styled jp-mod-accept"
        disabled={key.trim() === ''}
        onClick={() => void give()}
      >
        {trans.__('Keep and Test')}
      </button>
      <button
        type="button"
        className="jp-Button jp-mod-styled"
        onClick={() => void run(test)}
      >
        {trans.__('Test')}
      </button>
      <button
        type="button"
        className="jp-Button jp-mod-styled jp-mod-warn"
        disabled={!provider.own_key}
        onClick={() => void forget()}
      >
        {trans.__('Forget')}
      </button>
      <p role="status">{says}</p>
    </fieldset>
  );
}

function stateOf(
  { own_key, problem, ready }: IProviderInfo,
  trans: TranslationBundle
): string {
  if (own_key) {
    return ready
      ? trans.__('Your own key is used.')
      : trans.__('Your own key is used. %1', problem ?? '');
  }
  return ready
    ? trans.__('It can be used without a key of yours.')
    : (problem ?? trans.__('It can not be used.'));
}
