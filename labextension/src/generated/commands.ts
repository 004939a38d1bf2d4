// Made from the Python models by `npm run generate`.

export type Command =
  | ExecuteCells
  | RunAll
  | RestartAndRunAll
  | CancelExecutions
  | InterruptRuntime
  | RestartRuntime
  | StartRuntime
  | StopRuntime
  | EvictRuntime
  | ClearOutputs
  | ReplyInput
  | CreateCell
  | EditCell
  | MoveCell
  | DeleteCells
  | SetCellType
  | SetContextVisibility
  | SetCellVisibility
  | RestoreVersion
  | UndoChange
  | KeepVersion
  | Ask
  | CancelTurn
  | UndoTurn
  | DecideApproval
  | RevokeApprovals;

/**
 * Run code cells, in this order, and ask AI cells, as they stand.
 */
export interface ExecuteCells {
  command_id?: string | null;
  state_vector?: string | null;
  type: 'execute_cells';
  /**
   * @minItems 1
   */
  cell_ids: string[];
  stop_on_error?: boolean;
  expected_revisions?: {
    [k: string]: string;
  } | null;
}
/**
 * Run every code cell from the top.
 */
export interface RunAll {
  command_id?: string | null;
  state_vector?: string | null;
  type: 'run_all';
  stop_on_error?: boolean;
}
/**
 * Restart the kernel, then run every code cell from the top.
 */
export interface RestartAndRunAll {
  command_id?: string | null;
  state_vector?: string | null;
  type: 'restart_and_run_all';
  stop_on_error?: boolean;
}
/**
 * Take executions (all, by default) from the queue, and interrupt the one that runs.
 */
export interface CancelExecutions {
  command_id?: string | null;
  state_vector?: string | null;
  type: 'cancel_executions';
  execution_ids?: string[] | null;
}
/**
 * Interrupt the kernel, as Jupyter's stop button does.
 */
export interface InterruptRuntime {
  command_id?: string | null;
  state_vector?: string | null;
  type: 'interrupt_runtime';
}
/**
 * Restart the kernel; what runs or waits is cancelled.
 */
export interface RestartRuntime {
  command_id?: string | null;
  state_vector?: string | null;
  type: 'restart_runtime';
}
/**
 * Start the notebook's kernel, or return the one that it has.
 */
export interface StartRuntime {
  command_id?: string | null;
  state_vector?: string | null;
  type: 'start_runtime';
  kernel_name?: string | null;
}
/**
 * Shut the kernel down.
 */
export interface StopRuntime {
  command_id?: string | null;
  state_vector?: string | null;
  type: 'stop_runtime';
}
/**
 * Take ownership from a runtime that no longer answers.
 */
export interface EvictRuntime {
  command_id?: string | null;
  state_vector?: string | null;
  type: 'evict_runtime';
}
/**
 * Remove the outputs of cells (all, by default).
 */
export interface ClearOutputs {
  command_id?: string | null;
  state_vector?: string | null;
  type: 'clear_outputs';
  cell_ids?: string[] | null;
}
/**
 * Answer the kernel's prompt. The value is never recorded.
 */
export interface ReplyInput {
  command_id?: string | null;
  state_vector?: string | null;
  type: 'reply_input';
  execution_id: string;
  value: string;
}
/**
 * Insert a cell after another one, at the top where `after` is null.
 */
export interface CreateCell {
  command_id?: string | null;
  state_vector?: string | null;
  type: 'create_cell';
  cell_type: 'code' | 'markdown' | 'raw' | 'ai' | 'sql';
  source?: string;
  after?: string | null;
}
/**
 * Change a cell's source, by replacements or as a whole.
 */
export interface EditCell {
  command_id?: string | null;
  state_vector?: string | null;
  type: 'edit_cell';
  cell_id: string;
  replacements?: Replacement[] | null;
  source?: string | null;
  expected_revision?: string | null;
}
/**
 * One search and replace in a cell's source; `old` must be there exactly once.
 */
export interface Replacement {
  old: string;
  new: string;
}
/**
 * Put a cell after another one, at the top where `after` is null.
 */
export interface MoveCell {
  command_id?: string | null;
  state_vector?: string | null;
  type: 'move_cell';
  cell_id: string;
  after: string | null;
}
/**
 * Delete cells.
 */
export interface DeleteCells {
  command_id?: string | null;
  state_vector?: string | null;
  type: 'delete_cells';
  /**
   * @minItems 1
   */
  cell_ids: string[];
}
/**
 * Make a cell one of another type; its source stays.
 */
export interface SetCellType {
  command_id?: string | null;
  state_vector?: string | null;
  type: 'set_cell_type';
  cell_id: string;
  cell_type: 'code' | 'markdown' | 'raw' | 'ai' | 'sql';
}
/**
 * Show cells to the AI, or hide them from it.
 */
export interface SetContextVisibility {
  command_id?: string | null;
  state_vector?: string | null;
  type: 'set_context_visibility';
  /**
   * @minItems 1
   */
  cell_ids: string[];
  visible: boolean;
}
/**
 * Fold or unfold a cell's source or outputs.
 */
export interface SetCellVisibility {
  command_id?: string | null;
  state_vector?: string | null;
  type: 'set_cell_visibility';
  /**
   * @minItems 1
   */
  cell_ids: string[];
  source_hidden?: boolean | null;
  outputs_hidden?: boolean | null;
}
/**
 * Bring the notebook (or some cells alone) back to how it was at `seq`, as a new change.
 */
export interface RestoreVersion {
  command_id?: string | null;
  state_vector?: string | null;
  type: 'restore_version';
  seq: number;
  cell_ids?: string[] | null;
}
/**
 * Take back what the event `seq` did to the notebook; what was written since stays.
 */
export interface UndoChange {
  command_id?: string | null;
  state_vector?: string | null;
  type: 'undo_change';
  seq: number;
}
/**
 * Keep in the history how cells read that did not come into the notebook.
 */
export interface KeepVersion {
  command_id?: string | null;
  state_vector?: string | null;
  type: 'keep_version';
  texts: {
    [k: string]: string;
  };
}
/**
 * Have the AI answer what an AI cell says.
 */
export interface Ask {
  command_id?: string | null;
  state_vector?: string | null;
  type: 'ask';
  cell_id: string;
  cells?: string[] | null;
}
/**
 * End an answer of the AI where it is.
 */
export interface CancelTurn {
  command_id?: string | null;
  state_vector?: string | null;
  type: 'cancel_turn';
  turn_id: string;
}
/**
 * Take back what an answer of the AI did to the notebook; what others wrote stays.
 */
export interface UndoTurn {
  command_id?: string | null;
  state_vector?: string | null;
  type: 'undo_turn';
  turn_id: string;
}
/**
 * Decide about a call of the AI, exactly as it was shown.
 */
export interface DecideApproval {
  command_id?: string | null;
  state_vector?: string | null;
  type: 'decide_approval';
  call_id: string;
  decision: 'once' | 'always' | 'deny';
  arguments_hash: string;
  nonce: string;
  reason?: string | null;
  answer?: string | null;
}
/**
 * Be asked again before the AI calls tools that the sender always allows in this notebook.
 */
export interface RevokeApprovals {
  command_id?: string | null;
  state_vector?: string | null;
  type: 'revoke_approvals';
  tools?: string[] | null;
}
