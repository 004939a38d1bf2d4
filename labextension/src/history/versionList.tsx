import { LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IVersion } from '../services/history';
import type { Authors, IAuthor } from '../model/authors';
import type { CellNames } from '../model/cellNames';
import { byDay, dateOf, type IDay, keyOf } from './days';
import { iconOf } from './icons';
import { choose, extend, type ISelection, move, toggle } from './selection';
import type { Times } from '../model/times';

/** How far Page Up and Page Down go. */
const PAGE = 10;

const STEPS: Record<string, number> = {
  ArrowDown: 1,
  ArrowUp: -1,
  PageDown: PAGE,
  PageUp: -PAGE,
  Home: -Infinity,
  End: Infinity
};

/**
 * What the list shows, and what it says of gestures.
 */
export interface IVersionListProps {
  /** Of the whole list, for those who hear it. */
  label: string;
  versions: readonly IVersion[];
  selection: ISelection;
  authors: Authors;
  cellNames: CellNames;
  now: Date;
  times: Times;

  /**
   * The selection now, which may be newer than what is drawn.
   */
  current: () => ISelection;

  /**
   * Another selection is asked for.
   *
   * @param open - Whether it is to be shown, too.
   */
  onSelect: (selection: ISelection, open: boolean) => void;

  /**
   * The keyboard came to a version.
   */
  onFocus: (key: string) => void;
}

/**
 * The versions of a notebook, by days: a listbox.
 */
export function VersionList(props: IVersionListProps): React.ReactElement {
  const { label, now, onSelect, selection, times, versions } = props;
  const keys = versions.map(keyOf);
  // One of them is where the Tab key leads to.
  const tabbable = selection.active ?? selection.chosen[0] ?? keys[0];
  const list = React.useRef<HTMLDivElement>(null);

  const onKeyDown = (event: React.KeyboardEvent) => {
    const answered = answer(event, props.current(), keys, tabbable);
    if (answered === null) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    onSelect(answered.selection, answered.open);
    focusOn(list.current, answered.selection.active);
  };

  return (
    <div
      ref={list}
      className="jp-runt-VersionList"
      role="listbox"
      aria-label={label}
      aria-multiselectable="true"
      onKeyDown={onKeyDown}
    >
      {byDay(versions, now, times).map(day => (
        <Day key={keyOf(day.versions[0])} day={day}>
          {day.versions.map(version => (
            <Version
              {...props}
              key={keyOf(version)}
              version={version}
              isTabbable={keyOf(version) === tabbable}
            />
          ))}
        </Day>
      ))}
    </div>
  );
}

/**
 * Let the keyboard be on a version of a list, or on the one Tab leads to.
 */
export function focusOn(list: Element | null, key: string | null): void {
  const options = [
    ...(list?.querySelectorAll<HTMLElement>('[role=option]') ?? [])
  ];
  const wanted =
    options.find(({ dataset }) => dataset.key === key) ??
    options.find(({ tabIndex }) => tabIndex === 0);
  wanted?.focus();
}

/** Returns what a key asks for, null if it is not for us. */
function answer(
  event: React.KeyboardEvent,
  selection: ISelection,
  keys: string[],
  tabbable: string
): { selection: ISelection; open: boolean } | null {
  const { ctrlKey, key, metaKey, shiftKey } = event;
  const current = { ...selection, active: selection.active ?? tabbable };
  const by = STEPS[key];
  if (by !== undefined) {
    const moved = move(current, keys, by);
    const extended = shiftKey && moved.active !== null;
    return {
      selection: extended ? extend(current, moved.active!) : moved,
      open: false
    };
  }
  if (key === ' ') {
    return { selection: toggle(current, current.active), open: false };
  }
  if (key === 'Enter') {
    const isPair = current.chosen.length === 2 || ctrlKey || metaKey;
    return {
      selection: isPair ? current : choose(current.active),
      open: true
    };
  }
  return null;
}

function Day(
  props: React.PropsWithChildren<{ day: IDay }>
): React.ReactElement {
  const { children, day } = props;
  return (
    <div role="group" aria-label={day.label}>
      <div className="jp-runt-day" role="presentation">
        {day.label}
      </div>
      {children}
    </div>
  );
}

interface IVersionProps extends IVersionListProps {
  version: IVersion;
  isTabbable: boolean;
}

function Version(props: IVersionProps): React.ReactElement {
  const { isTabbable, onSelect, selection, version } = props;
  const key = keyOf(version);
  const authors = version.authors.map(actor => props.authors.of(actor));
  const names = authors.map(({ name }) => name).join(', ');
  const at = dateOf(version);
  const exact = props.times.exact(at);
  const cells = props.cellNames.phrase(version.cells);
  const { message, summary } = version;

  const onClick = (event: React.MouseEvent) => {
    if (event.ctrlKey || event.metaKey) {
      onSelect(toggle(props.current(), key), false);
    } else if (event.shiftKey) {
      onSelect(extend(props.current(), key), false);
    } else {
      onSelect(choose(key), true);
    }
  };

  return (
    <div
      className="jp-runt-Version"
      role="option"
      data-key={key}
      data-kind={version.kind}
      aria-selected={selection.chosen.includes(key)}
      aria-label={[summary, names, exact, cells].filter(Boolean).join(', ')}
      tabIndex={isTabbable ? 0 : -1}
      title={[exact, names, message].filter(Boolean).join('\n')}
      onClick={onClick}
      onFocus={() => props.onFocus(key)}
    >
      <LabIcon.resolveReact
        icon={iconOf(version.kind)}
        tag="span"
        className="jp-runt-kind"
        elementSize="normal"
      />
      <span className="jp-runt-summary">{summary}</span>
      <time className="jp-runt-time" dateTime={version.recorded_at}>
        {props.times.brief(at, props.now)}
      </time>
      <span className="jp-runt-details">
        {authors.map(author => (
          <Avatar key={author.name} author={author} />
        ))}
        <span className="jp-runt-names">{names}</span>
        {cells && <span className="jp-runt-cells">{cells}</span>}
      </span>
    </div>
  );
}

/**
 * Somebody's initials in their color; the name is to stand beside it.
 */
export function Avatar({ author }: { author: IAuthor }): React.ReactElement {
  return (
    <span
      className="jp-runt-avatar"
      style={{ backgroundColor: author.color }}
      aria-hidden="true"
    >
      {author.initials}
    </span>
  );
}
