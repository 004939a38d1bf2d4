import type { User } from '@jupyterlab/services';

/**
 * Return who has a shared document open.
 */
export function* peopleOf(sharedModel: object): Iterable<User.IIdentity> {
  const { awareness } = sharedModel as {
    awareness?: { getStates(): ReadonlyMap<number, object> };
  };
  for (const state of awareness?.getStates().values() ?? []) {
    const { user } = state as { user?: User.IIdentity };
    if (user?.username) {
      yield user;
    }
  }
}
