import type { TranslationBundle } from '@jupyterlab/translation';
import { closeIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { CellNames } from '../model/cellNames';
import { cellStateOf, isActive, placeOf } from './cellState';
import type { NotebookControl } from './control';
import { rowsOf } from './executionRows';
import { iconOfCell } from './icons';

/**
 * What a list of executions needs.
 */
export interface IExecutionListProps {
  control: NotebookControl;
  trans: TranslationBundle;
  onReveal: (cellId: string) => void;
  onCancel: (executionId: string) => void;
}

/**
 * The executions of a notebook: what runs, what waits, what has ended.
 */
export function ExecutionList(props: IExecutionListProps): React.ReactElement {
  const { control, trans } = props;
  const { active, moreActive, ended } = rowsOf(control.runtime.model);
  const { sharedModel } = control.panel.context.model;
  const names = new CellNames(sharedModel, trans);
  const row = (id: string) => (
    <ExecutionRow key={id} id={id} names={names} {...props} />
  );
  if (active.length + ended.length === 0) {
    return <p className="jp-runt-note">{trans.__('Nothing has run yet.')}</p>;
  }
  return (
    <ul className="jp-runt-rows" aria-label={trans.__('Cells')}>
      {active.map(row)}
      {moreActive > 0 && (
        <li className="jp-runt-more">
          {trans._n('%1 more cell waits', '%1 more cells wait', moreActive)}
        </li>
      )}
      {ended.map(row)}
    </ul>
  );
}

interface IRowProps extends IExecutionListProps {
  id: string;
  names: CellNames;
}

function ExecutionRow(props: IRowProps): React.ReactElement | null {
  const { control, id, names, trans, onCancel, onReveal } = props;
  const { clock, model } = control.runtime;
  const state = cellStateOf(model, id);
  if (state === null) {
    return null;
  }
  const cellId = state.execution.cell_id;
  const words = control.words.cells;
  const now = clock.now();
  const cell = names.phrase([cellId]);
  const Icon = iconOfCell(state.kind);
  return (
    <li className="jp-runt-row jp-runt-CellStatus" data-kind={state.kind}>
      <Icon.react tag="span" />
      <button
        className="jp-runt-row-name"
        title={words.details(state, now)}
        onClick={() => onReveal(cellId)}
      >
        <span className="jp-runt-row-cell">{cell}</span>
        <span className="jp-runt-CellStatus-label">
          {words.label(state, placeOf(model, id), now)}
        </span>
      </button>
      {isActive(state) && (
        <button
          className="jp-runt-row-cancel"
          title={trans.__('Cancel %1', cell)}
          aria-label={trans.__('Cancel %1', cell)}
          onClick={() => onCancel(id)}
        >
          <closeIcon.react tag="span" />
        </button>
      )}
    </li>
  );
}
