import {
  codeIcon,
  editIcon,
  fileIcon,
  LabIcon,
  runIcon,
  undoIcon
} from '@jupyterlab/ui-components';

import type { VersionKind } from '../services/history';

const turnIcon = svg(
  'turn',
  'M12 2l2.1 6.4a2.4 2.4 0 0 0 1.5 1.5L22 12l-6.4 2.1a2.4 2.4 0 0 0-1.5 1.5L12 22l-2.1-6.4a2.4 2.4 0 0 0-1.5-1.5L2 12l6.4-2.1a2.4 2.4 0 0 0 1.5-1.5z'
);
const forkIcon = svg(
  'fork',
  'M7 3a3 3 0 0 0-1 5.8v6.4a3 3 0 1 0 2 0V13h5a4 4 0 0 0 4-4v-.2a3 3 0 1 0-2 0V9a2 2 0 0 1-2 2H8V8.8A3 3 0 0 0 7 3z'
);
const keptIcon = svg('kept', 'M6 3h12v18l-6-4.5L6 21z');

function svg(name: string, path: string): LabIcon {
  return new LabIcon({
    name: `jupyter-runt:${name}`,
    svgstr: `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="16"><path class="jp-icon3" fill="#616161" d="${path}"/></svg>`
  });
}

const ICONS: Record<VersionKind, LabIcon> = {
  edits: editIcon,
  run: runIcon,
  file: fileIcon,
  command: codeIcon,
  turn: turnIcon,
  restore: undoIcon,
  fork: forkIcon,
  kept: keptIcon
};

/**
 * Return the icon of what made a version.
 */
export function iconOf(kind: VersionKind): LabIcon {
  return ICONS[kind] ?? editIcon;
}
