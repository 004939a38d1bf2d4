import type { TranslationBundle } from '@jupyterlab/translation';

import type { IRuntimeState, RuntimeKind } from './state';

/**
 * What can be done with a notebook's kernel and its cells.
 */
export type ActionName =
  | 'start'
  | 'interrupt'
  | 'restart'
  | 'restartAndRunAll'
  | 'stop'
  | 'evict'
  | 'runAll'
  | 'stopAll';

/**
 * Something that can be done.
 */
export interface IAction {
  /** The id of JupyterLab's command. */
  id: string;
  /** The type of the server's command. */
  type:
    | 'start_runtime'
    | 'interrupt_runtime'
    | 'restart_runtime'
    | 'restart_and_run_all'
    | 'stop_runtime'
    | 'evict_runtime'
    | 'run_all'
    | 'cancel_executions';
  /** On a button. */
  label: string;
  /** Where no button shows what it is about. */
  title: string;
  caption: string;
  /** What is lost; nobody is asked where nothing is. */
  warning?: string;
  isPossible: (state: IRuntimeState) => boolean;
}

/**
 * Return what can be done, in the person's language.
 */
export function actionsOf(
  trans: TranslationBundle
): Record<ActionName, IAction> {
  const lost = trans.__('Variables are lost, and what runs or waits ends.');
  return { ...kernelActions(trans, lost), ...cellActions(trans, lost) };
}

function kernelActions(trans: TranslationBundle, lost: string) {
  return {
    start: {
      id: 'runt:start-runtime',
      type: 'start_runtime',
      label: trans.__('Start'),
      title: trans.__('Start the Kernel of This Notebook'),
      caption: trans.__('Start the kernel of this notebook'),
      isPossible: ({ kind }) => !isAlive(kind)
    },
    interrupt: {
      id: 'runt:interrupt-runtime',
      type: 'interrupt_runtime',
      label: trans.__('Interrupt'),
      title: trans.__('Interrupt the Kernel of This Notebook'),
      caption: trans.__('Interrupt the cell that runs'),
      isPossible: ({ kind }) => isAlive(kind)
    },
    restart: {
      id: 'runt:restart-runtime',
      type: 'restart_runtime',
      label: trans.__('Restart'),
      title: trans.__('Restart the Kernel of This Notebook'),
      caption: trans.__('Restart the kernel'),
      warning: lost,
      isPossible: ({ kind }) => isAlive(kind)
    },
    stop: {
      id: 'runt:stop-runtime',
      type: 'stop_runtime',
      label: trans.__('Shut Down'),
      title: trans.__('Shut Down the Kernel of This Notebook'),
      caption: trans.__('Shut the kernel down'),
      warning: lost,
      isPossible: ({ kind }) => isAlive(kind)
    },
    evict: {
      id: 'runt:evict-runtime',
      type: 'evict_runtime',
      label: trans.__('Evict'),
      title: trans.__('Evict the Kernel of This Notebook'),
      caption: trans.__('Take the notebook from a kernel that does not answer'),
      warning: trans.__(
        'The kernel loses this notebook, even if somebody else started it. Variables are lost, and what runs or waits ends.'
      ),
      isPossible: ({ kind }) => isAlive(kind)
    }
  } satisfies Partial<Record<ActionName, IAction>>;
}

function cellActions(trans: TranslationBundle, lost: string) {
  return {
    runAll: {
      id: 'runt:run-all',
      type: 'run_all',
      label: trans.__('Run All'),
      title: trans.__('Run All Code Cells'),
      caption: trans.__('Run every code cell from the top'),
      isPossible: () => true
    },
    restartAndRunAll: {
      id: 'runt:restart-and-run-all',
      type: 'restart_and_run_all',
      label: trans.__('Restart and Run All'),
      title: trans.__('Restart the Kernel and Run All Code Cells'),
      caption: trans.__('Restart the kernel, and run every code cell'),
      warning: lost,
      isPossible: () => true
    },
    stopAll: {
      id: 'runt:stop-all',
      type: 'cancel_executions',
      label: trans.__('Stop All'),
      title: trans.__('Stop All Cells'),
      caption: trans.__('Interrupt what runs, and cancel what waits'),
      isPossible: ({ progress }) => progress !== null
    }
  } satisfies Partial<Record<ActionName, IAction>>;
}

/**
 * Tell whether there is a kernel, whatever it does.
 */
export function isAlive(kind: RuntimeKind): boolean {
  return kind !== 'none' && kind !== 'lost';
}
