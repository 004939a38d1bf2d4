import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IVersion, IWrittenLine } from '../services/history';
import type { Authors, IAuthor } from '../model/authors';
import { dateOf } from './days';
import type { NotebookHistory } from './notebookHistory';
import { reasonOf } from '../services/reasons';
import type { Times } from '../model/times';
import { Avatar } from './versionList';

/**
 * Lines in a row that the same people wrote at the same time.
 */
export interface IStretch {
  /** The number of its first line, from 1. */
  first: number;
  lines: string[];
  /** The last one first; empty where the history does not tell. */
  authors: IAuthor[];
  at: Date | null;
}

/**
 * Group lines by who wrote them, and when.
 */
export function stretchesOf(
  lines: readonly IWrittenLine[],
  authors: Authors
): IStretch[] {
  const stretches: IStretch[] = [];
  let last: string | null = null;
  lines.forEach((line, index) => {
    const key = JSON.stringify([line.seq, line.authors]);
    if (key !== last) {
      last = key;
      stretches.push({
        first: index + 1,
        lines: [],
        authors: line.authors.map(actor => authors.of(actor)),
        at: line.recorded_at === null ? null : new Date(line.recorded_at)
      });
    }
    stretches[stretches.length - 1].lines.push(line.text);
  });
  return stretches;
}

/**
 * What tells who wrote a cell.
 */
export class CellAuthors {
  constructor(
    private _times: Times,
    private _trans: TranslationBundle
  ) {}

  /**
   * Tell who wrote a cell, as it was at a version, or as it is.
   */
  async show(
    history: NotebookHistory,
    version: IVersion | null,
    cellId: string
  ): Promise<void> {
    const trans = this._trans;
    let lines: IWrittenLine[];
    try {
      lines = await history.cellLines(cellId, version?.seq ?? null);
    } catch (reason) {
      Notification.error(
        trans.__('It can not be shown: %1', reasonOf(reason, trans)),
        { autoClose: false }
      );
      return;
    }
    const name = history.cellNames().phrase([cellId]);
    const when = version && this._times.moment(dateOf(version), new Date());
    await showDialog({
      title: when
        ? trans.__('Who wrote this cell, as of %1', when)
        : trans.__('Who wrote this cell'),
      body: (
        <WrittenLines
          name={name}
          stretches={stretchesOf(lines, history.authors)}
          times={this._times}
          trans={trans}
        />
      ),
      buttons: [Dialog.okButton({ label: trans.__('Close') })]
    });
  }
}

interface IWrittenLinesProps {
  name: string;
  stretches: IStretch[];
  times: Times;
  trans: TranslationBundle;
}

function WrittenLines(props: IWrittenLinesProps): React.ReactElement {
  const { name, stretches, trans } = props;
  if (stretches.length === 0) {
    return <span>{trans.__('The cell is empty.')}</span>;
  }
  return (
    <div className="jp-runt-Lines" role="region" aria-label={name} tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">{trans.__('Lines')}</th>
            <th scope="col">{trans.__('Written by')}</th>
            <th scope="col">{trans.__('Last on')}</th>
            <th scope="col">{trans.__('Text')}</th>
          </tr>
        </thead>
        <tbody>
          {stretches.map(stretch => (
            <Stretch {...props} key={stretch.first} stretch={stretch} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Stretch(
  props: IWrittenLinesProps & { stretch: IStretch }
): React.ReactElement {
  const { stretch, times, trans } = props;
  const { at, authors, first, lines } = stretch;
  const last = first + lines.length - 1;
  return (
    <tr>
      <td>{first === last ? first : `${first}–${last}`}</td>
      <td>
        {authors.length === 0 && trans.__('Not known')}
        {authors.map(author => (
          <div key={author.name} className="jp-runt-authors">
            <Avatar author={author} />
            {author.name}
          </div>
        ))}
      </td>
      <td>
        {at && (
          <time dateTime={at.toISOString()} title={times.exact(at)}>
            {times.moment(at, new Date())}
          </time>
        )}
      </td>
      <td>
        <pre>{lines.join('\n')}</pre>
      </td>
    </tr>
  );
}
