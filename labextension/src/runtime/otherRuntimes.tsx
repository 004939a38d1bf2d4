import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IRuntimeInfo } from '../services/client';
import { reasonOf } from '../services/reasons';
import { iconOfRuntime } from './icons';
import { type Runtimes, stateOfInfo } from './runtimes';
import type { RuntimeWords } from './runtimeWords';

/**
 * What the list of other runtimes needs.
 */
export interface IOtherRuntimesProps {
  runtimes: Runtimes;
  /** The id of the notebook that is not another one. */
  current: string | null;
  trans: TranslationBundle;
  words: RuntimeWords;
  onOpen: (path: string) => void;
  onPerform: (info: IRuntimeInfo, name: 'stop' | 'evict') => void;
}

/**
 * The kernels of the other notebooks that are open on the server.
 */
export function OtherRuntimes(props: IOtherRuntimesProps): React.ReactElement {
  const { current, onOpen, onPerform, runtimes, trans, words } = props;
  const others = runtimes.all.filter(each => each.notebook_id !== current);
  const now = runtimes.clock.now();
  return (
    <section
      className="jp-runt-section"
      aria-label={trans.__('Kernels of other notebooks')}
    >
      <h3 className="jp-runt-heading">{trans.__('Other Notebooks')}</h3>
      {runtimes.error !== null && (
        <p className="jp-runt-note" role="alert">
          {trans.__('They cannot be read: %1', reasonOf(runtimes.error, trans))}
        </p>
      )}
      {others.length === 0 && runtimes.error === null && (
        <p className="jp-runt-note">
          {trans.__('No other notebook has a kernel.')}
        </p>
      )}
      <ul className="jp-runt-rows">
        {others.map(info => {
          const state = stateOfInfo(info);
          const Icon = iconOfRuntime(state);
          const button = (name: 'stop' | 'evict', label: string) => (
            <button
              className="jp-Button jp-mod-styled"
              aria-label={trans.__('%1: %2', label, info.path)}
              disabled={state.kind === 'lost'}
              onClick={() => onPerform(info, name)}
            >
              {label}
            </button>
          );
          return (
            <li
              key={info.notebook_id}
              className="jp-runt-row"
              data-state={state.kind}
            >
              <Icon.react tag="span" className="jp-runt-shape" />
              <button
                className="jp-runt-row-name"
                title={words.details(state, now)}
                onClick={() => onOpen(info.path)}
              >
                <span className="jp-runt-row-cell">{info.path}</span>
                <span>{words.label(state, now)}</span>
              </button>
              <div className="jp-runt-row-actions">
                {button('stop', trans.__('Shut Down'))}
                {button('evict', trans.__('Evict'))}
              </div>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
