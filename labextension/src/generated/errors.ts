// Made from the Python models by `npm run generate`.

export type ErrorCode =
  | 'artifact_not_found'
  | 'cell_not_found'
  | 'compacted'
  | 'conflict'
  | 'execution_not_found'
  | 'file_unreadable'
  | 'history_damaged'
  | 'internal_error'
  | 'invalid_command'
  | 'invalid_request'
  | 'lease_held'
  | 'not_a_notebook'
  | 'not_authorized'
  | 'notebook_not_found'
  | 'provider_not_found'
  | 'runtime_lost'
  | 'stale_fence'
  | 'stale_revision'
  | 'store_unavailable'
  | 'turn_not_found'
  | 'version_not_found';
