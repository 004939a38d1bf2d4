import type { User } from '@jupyterlab/services';

interface IAwareness {
  getStates(): ReadonlyMap<number, object>;
  on(event: 'change', tell: () => void): void;
  off(event: 'change', tell: () => void): void;
}

/**
 * Return who has a shared document open.
 */
export function* peopleOf(sharedModel: object): Iterable<User.IIdentity> {
  for (const state of awarenessOf(sharedModel)?.getStates().values() ?? []) {
    const { user } = state as { user?: User.IIdentity };
    if (user?.username) {
      yield user;
    }
  }
}

/**
 * Tell when somebody comes, or comes back: what they are called is known then.
 *
 * @returns what ends it.
 */
export function onArrival(sharedModel: object, tell: () => void): () => void {
  const awareness = awarenessOf(sharedModel);
  let there = new Set<string>();
  const look = () => {
    const before = there;
    there = new Set([...peopleOf(sharedModel)].map(({ username }) => username));
    if ([...there].some(username => !before.has(username))) {
      tell();
    }
  };
  awareness?.on('change', look);
  return () => awareness?.off('change', look);
}

function awarenessOf(sharedModel: object): IAwareness | undefined {
  return (sharedModel as { awareness?: IAwareness }).awareness;
}
