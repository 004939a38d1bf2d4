import { LabIcon } from '@jupyterlab/ui-components';

import type { CellKind } from './cellState';
import { type IRuntimeState, type RuntimeKind, tellsEnd } from './state';

const CIRCLE = 'M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20z';
const RING = `${CIRCLE}m0 2a8 8 0 1 1 0 16 8 8 0 0 1 0-16z`;

export const runtimeIcon = svg(
  'runtime',
  'M3 4h18v12H3zm2 2v8h14V6zm-2 12h18v2H3zm5-10 5 2-5 2.5z'
);
export const editedIcon = svg(
  'edited',
  'M3 17.2V21h3.8L17.8 9.9 14 6.2zM20.7 7a1 1 0 0 0 0-1.4l-2.3-2.3a1 1 0 0 0-1.4 0l-1.8 1.8L18.9 8.8z'
);

const queuedIcon = svg('queued', `${RING}M11 7h2v4.6l3.3 3.3-1.4 1.4L11 12.4z`);
const runningIcon = svg('running', `${RING}M10 8l6 4-6 4z`);
const askingIcon = svg(
  'asking',
  `${RING}M11 16h2v2h-2zm1-10a4 4 0 0 0-4 4h2a2 2 0 1 1 4 0c0 2-3 1.8-3 5h2c0-2.2 3-2.5 3-5a4 4 0 0 0-4-4z`
);
const okIcon = svg('ok', 'M9 16.2 4.8 12l-1.4 1.4L9 19 21 7l-1.4-1.4z');
const errorIcon = svg(
  'error',
  'M19 6.4 17.6 5 12 10.6 6.4 5 5 6.4 10.6 12 5 17.6 6.4 19 12 13.4 17.6 19 19 17.6 13.4 12z'
);
const interruptedIcon = svg('interrupted', `${RING}M9 9h6v6H9z`);
const cancelledIcon = svg('cancelled', `${RING}M7 11h10v2H7z`);
const lostIcon = svg('lost', 'M12 2 1 21h22zm1 16h-2v-2h2zm0-4h-2V9h2z');
const noneIcon = svg('none', RING);
const startingIcon = svg(
  'starting',
  'M12 4a8 8 0 1 0 8 8h-2a6 6 0 1 1-6-6v3l5-4-5-4z'
);

const CELL_ICONS: Record<CellKind, LabIcon> = {
  queued: queuedIcon,
  running: runningIcon,
  asking: askingIcon,
  ok: okIcon,
  error: errorIcon,
  interrupted: interruptedIcon,
  cancelled: cancelledIcon,
  lost: lostIcon
};

const RUNTIME_ICONS: Record<RuntimeKind, LabIcon> = {
  none: noneIcon,
  starting: startingIcon,
  restarting: startingIcon,
  unresponsive: lostIcon,
  lost: lostIcon,
  idle: okIcon,
  running: runningIcon,
  asking: askingIcon
};

/**
 * Return the icon of where an execution is.
 */
export function iconOfCell(kind: CellKind): LabIcon {
  return CELL_ICONS[kind];
}

/**
 * Return the icon of what a kernel does.
 */
export function iconOfRuntime(
  state: Pick<IRuntimeState, 'kind' | 'isFresh'>
): LabIcon {
  return tellsEnd(state) ? lostIcon : RUNTIME_ICONS[state.kind];
}

function svg(name: string, path: string): LabIcon {
  return new LabIcon({
    name: `jupyter-runt:runtime-${name}`,
    svgstr: `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="16"><path class="jp-icon3" fill="#616161" fill-rule="evenodd" d="${path}"/></svg>`
  });
}
