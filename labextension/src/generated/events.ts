// Made from the Python models by `npm run generate`.

export interface EventPayloads {
  'v1.DocumentUpdated': DocumentUpdated;
  'v1.VersionKept': VersionKept;
  'v1.ExecutionRequested': ExecutionRequested;
  'v1.ExecutionAssigned': ExecutionAssigned;
  'v1.ExecutionStarted': ExecutionStarted;
  'v1.ExecutionCompleted': ExecutionCompleted;
  'v1.ExecutionCancelled': ExecutionCancelled;
  'v1.OutputsCleared': OutputsCleared;
  'v1.InputRequested': InputRequested;
  'v1.InputReplied': InputReplied;
  'v1.RuntimeSessionStarted': RuntimeSessionStarted;
  'v1.RuntimeSessionAdopted': RuntimeSessionAdopted;
  'v1.RuntimeStatusChanged': RuntimeStatusChanged;
  'v1.RuntimeSessionEnded': RuntimeSessionEnded;
  'v1.RuntimeCommandPerformed': RuntimeCommandPerformed;
  'v1.TurnStarted': TurnStarted;
  'v1.TurnContextGiven': TurnContextGiven;
  'v1.TurnTextAppended': TurnTextAppended;
  'v1.TurnUndone': TurnUndone;
  'v1.ToolCallRequested': ToolCallRequested;
  'v1.ToolCallCompleted': ToolCallCompleted;
  'v1.TurnCompleted': TurnCompleted;
  'v1.ApprovalRequested': ApprovalRequested;
  'v1.ApprovalDecided': ApprovalDecided;
  'v1.ApprovalRevoked': ApprovalRevoked;
}
/**
 * A Yjs update, opaque, with the list of changes that it made here.
 */
export interface DocumentUpdated {
  update: string;
  changes?: (
    | CellCreated
    | CellDeleted
    | CellMoved
    | CellTypeChanged
    | SourceChanged
    | OutputsChanged
    | ExecutionStateChanged
    | AttachmentsChanged
    | MetadataChanged
    | TextChanged
    | StateChanged
  )[];
  journal_seq?: number | null;
}
/**
 * A cell appeared at `index`.
 */
export interface CellCreated {
  type?: 'cell_created';
  cell_id: string;
  cell_type: string;
  index: number;
}
/**
 * A cell went; `index` is where it was.
 */
export interface CellDeleted {
  type?: 'cell_deleted';
  cell_id: string;
  index: number;
}
/**
 * A cell went from one place to another in one transaction.
 */
export interface CellMoved {
  type?: 'cell_moved';
  cell_id: string;
  from_index: number;
  index: number;
}
/**
 * A cell became of another type in place.
 */
export interface CellTypeChanged {
  type?: 'cell_type_changed';
  cell_id: string;
  cell_type: string;
}
/**
 * Text of a cell's source was inserted or removed (counts are UTF-8 bytes, as Yjs deltas).
 */
export interface SourceChanged {
  type?: 'source_changed';
  cell_id: string;
  inserted: number;
  removed: number;
}
/**
 * A cell's outputs changed.
 */
export interface OutputsChanged {
  type?: 'outputs_changed';
  cell_id: string;
}
/**
 * A cell's `execution_count` or transient `execution_state` changed.
 */
export interface ExecutionStateChanged {
  type?: 'execution_state_changed';
  cell_id: string;
}
/**
 * A Markdown or raw cell's attachments changed.
 */
export interface AttachmentsChanged {
  type?: 'attachments_changed';
  cell_id: string;
}
/**
 * Keys of a cell's metadata changed, or of the notebook's where `cell_id` is null.
 */
export interface MetadataChanged {
  type?: 'metadata_changed';
  cell_id: string | null;
  keys: string[];
}
/**
 * Text of a plain file was inserted or removed (UTF-8 bytes).
 */
export interface TextChanged {
  type?: 'text_changed';
  inserted: number;
  removed: number;
}
/**
 * Keys of the shared `state` map changed: path, dirty, hash.
 */
export interface StateChanged {
  type?: 'state_changed';
  keys: string[];
}
/**
 * What somebody had of the document, and could not be brought into it, was kept beside it.
 */
export interface VersionKept {
  reason: 'foreign_history' | 'merge_overlap' | 'unsent_edits';
  message: string;
  content:
    | {
        [k: string]: unknown;
      }
    | string;
}
/**
 * Somebody asked for a cell to run, exactly as it stood at `document_seq`.
 */
export interface ExecutionRequested {
  execution_id: string;
  cell_id: string;
  source: string;
  document_seq: number;
  requested_by: string;
  stop_on_error?: boolean;
}
/**
 * The runtime session that owns the notebook under `fence` took the execution.
 */
export interface ExecutionAssigned {
  execution_id: string;
  runtime_session_id: string;
  fence: number;
}
/**
 * The source was handed to the kernel.
 */
export interface ExecutionStarted {
  execution_id: string;
}
/**
 * It ended, and its last output is in the document (EX4).
 */
export interface ExecutionCompleted {
  execution_id: string;
  status: 'ok' | 'error' | 'cancelled' | 'lost';
  execution_count?: number | null;
  error?: ExecutionError | null;
}
/**
 * Why an execution did not end well, as Jupyter's `error` message says it.
 */
export interface ExecutionError {
  ename: string;
  evalue: string;
  traceback?: string[];
}
/**
 * It was taken from the queue before it started.
 */
export interface ExecutionCancelled {
  execution_id: string;
  reason: string;
}
/**
 * Somebody removed the outputs of these cells.
 */
export interface OutputsCleared {
  cell_ids: string[];
}
/**
 * The kernel waits for a line of text.
 */
export interface InputRequested {
  execution_id: string;
  prompt: string;
  password: boolean;
}
/**
 * Somebody answered. The value is never recorded.
 */
export interface InputReplied {
  execution_id: string;
}
/**
 * A kernel incarnation became the notebook's owner. Each restart starts a new session.
 */
export interface RuntimeSessionStarted {
  runtime_session_id: string;
  kernel_id: string;
  kernel_name: string;
  owner: string;
  host: string;
  fence: number;
}
/**
 * The kernel outlived its server, and works on for another one under a new fence.
 */
export interface RuntimeSessionAdopted {
  runtime_session_id: string;
  fence: number;
}
/**
 * The session's health changed. Busy and idle during a cell are not events.
 */
export interface RuntimeStatusChanged {
  runtime_session_id: string;
  status:
    'starting' | 'ready' | 'busy' | 'restarting' | 'unresponsive' | 'lost';
  reason?: string | null;
}
/**
 * The session owns the notebook no more; `cause` says why in words (signal, exit code).
 */
export interface RuntimeSessionEnded {
  runtime_session_id: string;
  reason:
    'shutdown' | 'restart' | 'crashed' | 'evicted' | 'displaced' | 'expired';
  cause?: string | null;
}
/**
 * Somebody asked something of the kernel, of which no other event of theirs tells.
 *
 * It is in the log before it is done, so that it is not done twice.
 */
export interface RuntimeCommandPerformed {
  command: string;
  runtime_session_id?: string | null;
}
/**
 * Somebody asked what is in a cell, exactly as it stood at `document_seq`.
 */
export interface TurnStarted {
  turn_id: string;
  cell_id: string;
  prompt: string;
  model: string | null;
  document_seq: number;
  requested_by: string;
  after?: string[];
  cells?: string[] | null;
}
/**
 * What the model was given, before anything that it said or called for.
 */
export interface TurnContextGiven {
  turn_id: string;
  model: string;
  messages: ShownMessage[];
  tools?: string[];
  left_out?: LeftOut[];
  chosen?: string[] | null;
  tokens: number;
  budget: number;
  tainted: boolean;
}
/**
 * A message that a model was given.
 */
export interface ShownMessage {
  role: 'system' | 'user' | 'assistant';
  text: string;
  cells?: string[];
  images?: ShownImage[];
}
/**
 * A picture that a model was given: an output of a cell, of this size by then.
 */
export interface ShownImage {
  cell_id: string;
  output: number;
  mime_type: string;
  width: number;
  height: number;
}
/**
 * What a model was not given of a cell, since it was too long.
 */
export interface LeftOut {
  cell_id: string;
  what: 'shortened' | 'outputs' | 'source shortened' | 'everything';
}
/**
 * The model wrote more of its answer.
 */
export interface TurnTextAppended {
  turn_id: string;
  text: string;
}
/**
 * Somebody took back what it changed.
 */
export interface TurnUndone {
  turn_id: string;
}
/**
 * The model called a tool.
 */
export interface ToolCallRequested {
  turn_id: string;
  call_id: string;
  tool: string;
  effect: 'read' | 'edit' | 'execute' | 'files' | 'external';
  arguments: string;
}
/**
 * The model was told what its call led to.
 */
export interface ToolCallCompleted {
  turn_id: string;
  call_id: string;
  status: 'ok' | 'error' | 'denied';
  result: string;
  tainted?: boolean;
}
/**
 * It ended, and its answer is in the cell.
 */
export interface TurnCompleted {
  turn_id: string;
  status: 'ok' | 'error' | 'cancelled' | 'lost' | 'limit';
  error?: string | null;
  usage?: Usage | null;
  by?: string | null;
}
/**
 * What a turn cost, as its provider counted; of a provider that does not, nothing is known.
 */
export interface Usage {
  input_tokens?: number;
  output_tokens?: number;
  cost?: number | null;
}
/**
 * A call waits until who asked for its turn decides about it.
 */
export interface ApprovalRequested {
  call_id: string;
  turn_id: string;
  cell_id: string;
  tool: string;
  effect: 'read' | 'edit' | 'execute' | 'files' | 'external';
  arguments_hash: string;
  requested_by: string;
  expires_at: string;
}
/**
 * A call waits no more: it was decided about, nobody did in time, or it fits no more.
 */
export interface ApprovalDecided {
  call_id: string;
  turn_id: string;
  decision: ('once' | 'always' | 'deny') | ('expired' | 'withdrawn');
  by: string | null;
  reason?: string | null;
  always?: Always | null;
}
/**
 * What somebody is not asked about again in the notebook.
 */
export interface Always {
  tool: string;
  effect: 'read' | 'edit' | 'execute' | 'files' | 'external';
  fingerprint?: string;
}
/**
 * Somebody wants to be asked again before a tool is called that they always allowed.
 */
export interface ApprovalRevoked {
  by: string;
  tool: string;
}
