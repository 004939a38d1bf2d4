import type { IProvider } from './provider';

/**
 * What is used of y-protocols' awareness.
 */
export interface IAwareness {
  readonly clientID: number;
  /** How new what is known of each client is. */
  readonly meta: Map<number, unknown>;
  getLocalState(): object | null;
  setLocalState(state: object | null): void;
}

/**
 * See others, and be seen, as soon as a lost connection is back.
 *
 * Whoever is gone and comes back with the state that is known already is not
 * news to y-protocols, until they say it again after 15 s.
 *
 * @returns how to end it.
 */
export function keepPresence(provider: IProvider): () => void {
  const { awareness } = provider;
  const onStatus = ({ status }: { status: string }) => {
    if (status === 'connected') {
      awareness.setLocalState(awareness.getLocalState());
    } else if (status === 'disconnected') {
      for (const client of [...awareness.meta.keys()]) {
        if (client !== awareness.clientID) {
          awareness.meta.delete(client);
        }
      }
    }
  };
  provider.on('status', onStatus);
  return () => provider.off('status', onStatus);
}
