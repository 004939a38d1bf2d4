import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IToken } from '../services/tokens';
import { LIFETIMES, type Machines } from './machines';
import type { RuntimeWords } from './runtimeWords';

/**
 * What the list of tokens needs.
 */
export interface IMachineListProps {
  machines: Machines;
  /** Where other machines find the server. */
  server: string;
  /** How late it is on the server. */
  now: number;
  words: RuntimeWords;
  trans: TranslationBundle;
  /** Does something, and tells what went wrong. */
  attempt: (what: Promise<unknown>) => void;
}

/**
 * How another machine runs the kernel of the current notebook: with a token, which is told once.
 */
export function MachineList(props: IMachineListProps): React.ReactElement {
  const { attempt, machines, now, trans, words } = props;
  const [label, setLabel] = React.useState('');
  const [days, setDays] = React.useState(LIFETIMES[1]);
  const tokens = machines.tokens ?? [];
  return (
    <details
      className="jp-runt-section jp-runt-Machines"
      onToggle={event => {
        if (event.currentTarget.open) {
          attempt(machines.refresh());
        }
      }}
    >
      <summary className="jp-runt-heading">
        {trans.__('Run It on Another Machine')}
      </summary>
      <p className="jp-runt-note">
        {trans.__(
          'A machine that reaches this server can run the kernel in place of this one. It needs a token, which is for this notebook alone.'
        )}
      </p>
      {machines.made !== null && <Made {...props} />}
      <form
        className="jp-runt-Machines-form"
        onSubmit={event => {
          event.preventDefault();
          attempt(machines.make(label.trim(), days).then(() => setLabel('')));
        }}
      >
        <input
          className="jp-mod-styled"
          aria-label={trans.__('Which machine it is for')}
          placeholder={trans.__('For example: my laptop')}
          maxLength={200}
          value={label}
          onChange={event => setLabel(event.target.value)}
        />
        <select
          aria-label={trans.__('For how long the token works')}
          value={days}
          onChange={event => setDays(Number(event.target.value))}
        >
          {LIFETIMES.map(each => (
            <option key={each} value={each}>
              {trans._n('%1 day', '%1 days', each)}
            </option>
          ))}
        </select>
        <button className="jp-Button jp-mod-styled" type="submit">
          {trans.__('Make Token')}
        </button>
      </form>
      <ul className="jp-runt-rows" aria-label={trans.__('Tokens')}>
        {tokens.map(token => (
          <li key={token.token_id} className="jp-runt-row">
            <div className="jp-runt-row-name">
              <span className="jp-runt-row-cell">{nameOf(token, trans)}</span>
              <span>{words.token(token, now)}</span>
            </div>
            <button
              className="jp-Button jp-mod-styled"
              aria-label={trans.__('Revoke: %1', nameOf(token, trans))}
              onClick={() => attempt(machines.revoke(token))}
            >
              {trans.__('Revoke')}
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}

/** The token that was just made. */
function Made(props: IMachineListProps): React.ReactElement {
  const { attempt, machines, server, trans } = props;
  const [isCopied, setCopied] = React.useState(false);
  const command = machines.command(machines.made!, server);
  const copy = async () => {
    await navigator.clipboard.writeText(command);
    setCopied(true);
  };
  return (
    <div className="jp-runt-Machines-made" role="status">
      <p>
        {trans.__(
          'Run this on the other machine, where jupyter-runt is installed. The token is not shown again.'
        )}
      </p>
      <textarea
        className="jp-runt-Machines-command"
        aria-label={trans.__('The command for the other machine')}
        readOnly
        rows={7}
        value={command}
        onFocus={event => event.target.select()}
      />
      <div className="jp-runt-Machines-actions">
        <button
          className="jp-Button jp-mod-styled jp-mod-accept"
          onClick={() => attempt(copy())}
        >
          {isCopied ? trans.__('Copied') : trans.__('Copy')}
        </button>
        <button
          className="jp-Button jp-mod-styled"
          onClick={() => machines.forget()}
        >
          {trans.__('Done')}
        </button>
      </div>
    </div>
  );
}

function nameOf({ label }: IToken, trans: TranslationBundle): string {
  return label || trans.__('Without a name');
}
