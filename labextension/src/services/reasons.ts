import { ServerConnection } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';

/**
 * Say why a request failed, in words for people.
 */
export function reasonOf(reason: unknown, trans: TranslationBundle): string {
  // What browsers say of it is for programmers, and differs between them.
  return reason instanceof ServerConnection.NetworkError
    ? trans.__('the server does not answer.')
    : (reason as Error).message;
}
