import type { TranslationBundle } from '@jupyterlab/translation';

import type { SavingState } from './state';

/**
 * Say in a few words how safe the edits are; nothing where that is not known.
 */
export function labelOf(state: SavingState, trans: TranslationBundle): string {
  switch (state.kind) {
    case 'unknown':
      return '';
    case 'readonly':
      return trans.__('Read only');
    case 'saved':
      return trans.__('All changes saved');
    case 'saving':
      return trans.__('Saving…');
    case 'failed':
      return state.error === null
        ? trans.__('Not saved: the server does not answer')
        : trans.__('Not saved: %1', state.error);
    case 'refused':
      return trans.__('Not saved: open this notebook again');
    case 'offline':
      return offlineLabel(state, trans);
  }
}

/**
 * Say what that means.
 */
export function detailsOf(
  state: SavingState,
  trans: TranslationBundle
): string {
  switch (state.kind) {
    case 'unknown':
      return '';
    case 'readonly':
      return trans.__(
        'You may read this notebook, and not edit it: what you type here is not saved, and nobody else sees it.'
      );
    case 'saved':
      return state.at === null
        ? trans.__('The server has recorded all changes of this notebook.')
        : trans.__(
            'The server has recorded all changes of this notebook. Its file was last written on %1.',
            new Date(state.at).toLocaleString()
          );
    case 'saving':
      return trans.__(
        'Changes are on their way to the server and to the file.'
      );
    case 'failed':
      return [failedDetails(state, trans), state.error ?? ''].join(' ').trim();
    case 'refused':
      return trans.__(
        'The notebook was deleted, or its history on the server began anew. Open it again: what the server does not have of this tab is kept in this browser, and you can copy its text.'
      );
    case 'offline':
      return state.kept
        ? trans.__(
            'There is no connection to the server. What you change is kept in this browser, even if this tab is closed, and is sent when the notebook is connected again.'
          )
        : trans.__(
            'There is no connection to the server, and this browser cannot keep what you change. Leave this tab open until the notebook is connected again.'
          );
  }
}

function failedDetails(
  { recorded }: Extract<SavingState, { kind: 'failed' }>,
  trans: TranslationBundle
): string {
  return recorded
    ? trans.__(
        'The server has recorded all changes, but the file is not up to date. It is tried again.'
      )
    : trans.__(
        'The server has not recorded the last changes of this notebook. They go there as soon as it takes them. Until then, leave this tab open.'
      );
}

function offlineLabel(
  { changes, kept }: Extract<SavingState, { kind: 'offline' }>,
  trans: TranslationBundle
): string {
  if (changes === 0) {
    return trans.__('Offline');
  }
  return kept
    ? trans._n(
        'Offline: %1 change kept in this browser',
        'Offline: %1 changes kept in this browser',
        changes
      )
    : trans._n(
        'Offline: %1 change not saved',
        'Offline: %1 changes not saved',
        changes
      );
}
