import { LabIcon } from '@jupyterlab/ui-components';

import type { IToolCall } from '../services/ai';

const RING =
  'M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm0 2a8 8 0 1 1 0 16 8 8 0 0 1 0-16z';

export const aiIcon = svg(
  'ai',
  'M10 3l1.7 5.3a2 2 0 0 0 1.3 1.3L18 11.5l-5 1.7a2 2 0 0 0-1.3 1.3L10 20l-1.7-5.5A2 2 0 0 0 7 13.2l-5-1.7 5-1.9a2 2 0 0 0 1.3-1.3zM18.5 2l.9 2.6 2.6.9-2.6.9-.9 2.6-.9-2.6-2.6-.9 2.6-.9z'
);
export const seenIcon = svg(
  'seen',
  'M12 5C7 5 3 8.4 1.5 12 3 15.6 7 19 12 19s9-3.4 10.5-7C21 8.4 17 5 12 5zm0 11.5a4.5 4.5 0 1 1 0-9 4.5 4.5 0 0 1 0 9zm0-7a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z'
);
export const hiddenIcon = svg(
  'hidden',
  'M2.8 2 1.4 3.4l3.5 3.5A13 13 0 0 0 1.5 12C3 15.6 7 19 12 19c1.7 0 3.3-.4 4.7-1.1l3.9 3.9 1.4-1.4zM12 16.5A4.5 4.5 0 0 1 7.9 10l1.6 1.6V12a2.5 2.5 0 0 0 2.9 2.5l1.6 1.6c-.6.3-1.3.4-2 .4zM12 5c-1.3 0-2.5.2-3.6.6l1.9 1.9a4.5 4.5 0 0 1 5.7 5.7l3 3c1.6-1.2 2.8-2.7 3.5-4.2C21 8.4 17 5 12 5z'
);
export const checkedIcon = svg(
  'checked',
  'M19 3H5a2 2 0 0 0-2 2v14c0 1.1.9 2 2 2h14a2 2 0 0 0 2-2V5a2 2 0 0 0-2-2zm-9 14-5-5 1.4-1.4 3.6 3.6 7.6-7.6L19 8z'
);
export const uncheckedIcon = svg(
  'unchecked',
  'M19 5v14H5V5zm0-2H5a2 2 0 0 0-2 2v14c0 1.1.9 2 2 2h14a2 2 0 0 0 2-2V5a2 2 0 0 0-2-2z'
);
export const waitingIcon = svg('waiting', `${RING}M11 6h2v7h-2zm0 9h2v2h-2z`);

const runningIcon = svg('running', 'M12 4a8 8 0 1 0 8 8h-2a6 6 0 1 1-6-6z');
const okIcon = svg('ok', 'M9 16.2 4.8 12l-1.4 1.4L9 19 21 7l-1.4-1.4z');
const errorIcon = svg(
  'error',
  'M19 6.4 17.6 5 12 10.6 6.4 5 5 6.4 10.6 12 5 17.6 6.4 19 12 13.4 17.6 19 19 17.6 13.4 12z'
);
const deniedIcon = svg('denied', `${RING}M7 11h10v2H7z`);

const TOOL_ICONS: Record<IToolCall['status'], LabIcon> = {
  requested: runningIcon,
  waiting: waitingIcon,
  running: runningIcon,
  ok: okIcon,
  error: errorIcon,
  denied: deniedIcon
};

/**
 * Return the icon of where a tool's call is.
 */
export function iconOfCall({ status }: IToolCall): LabIcon {
  return TOOL_ICONS[status] ?? deniedIcon;
}

function svg(name: string, path: string): LabIcon {
  return new LabIcon({
    name: `jupyter-runt:ai-${name}`,
    svgstr: `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="16"><path class="jp-icon3" fill="#616161" fill-rule="evenodd" d="${path}"/></svg>`
  });
}
