import { URLExt } from '@jupyterlab/coreutils';
import type { INotebookContent } from '@jupyterlab/nbformat';
import { ServerConnection } from '@jupyterlab/services';
import type { PartialJSONObject } from '@lumino/coreutils';

import type { Command } from '../generated/commands';
import type { ErrorCode } from '../generated/errors';
import type { EventPayloads, ExecutionError } from '../generated/events';
import type {
  IDifference,
  IVersion,
  IVersionPage,
  IWrittenLine
} from './history';

/**
 * An error that the server answers with.
 *
 * The message is a sentence for people, the code is for programs.
 */
export class RuntError extends Error {
  constructor(
    /** `unknown` where something between us and the server answered. */
    readonly code: ErrorCode | 'unknown',
    message: string,
    readonly detail: PartialJSONObject = {}
  ) {
    super(message);
    this.name = 'RuntError';
  }
}

/**
 * What the server knows of a notebook.
 */
export interface INotebookInfo {
  notebook_id: string;
  /** Of its runtime document; another one when that document starts anew. */
  runtime_room_id: string;
  /** The machine that the server runs on. */
  host: string;
  /** The Yjs clients that the server alone writes outputs of executions as. */
  server_clients: number[];
  /** Those that it writes outputs as which Jupyter's notary had signed. */
  trusted_clients: number[];
  /** The server's clock. */
  now: string;
  /** The actor that the log has for this person. */
  user: string;
  /** Whether this person may edit the notebook. */
  writable: boolean;
}

/**
 * The runtime of an open notebook.
 */
export interface IRuntimeInfo {
  notebook_id: string;
  /** Of the notebook, below the server's root. */
  path: string;
  runtime_session_id: string;
  kernel_name: string;
  status: string;
  since: string;
  /** Who started it. */
  owner: string;
  /** The machine that it runs on. */
  host: string;
  reason?: string | null;
  kernel: { state: string; since: string | null };
  /** How many executions have not ended. */
  queue_length: number;
}

/**
 * The runtimes of a server.
 */
export interface IRuntimeInfos {
  runtimes: IRuntimeInfo[];
  /** The server's clock. */
  now: string;
}

/**
 * An event of a notebook's log.
 */
export type RuntEvent = {
  [Name in keyof EventPayloads]: {
    seq: number;
    name: Name;
    actor: string;
    payload: EventPayloads[Name];
  };
}[keyof EventPayloads];

/**
 * What a command led to.
 */
export interface ICommandReply {
  seq: number;
  events: RuntEvent[];
}

/**
 * Where an execution is.
 */
export type ExecutionStatus =
  | 'requested'
  | 'assigned'
  | 'running'
  | 'waiting_input'
  | 'ok'
  | 'error'
  | 'cancelled'
  | 'lost';

/**
 * An execution of a cell, as its runtime document and the API show it.
 */
export interface IExecution {
  cell_id: string;
  status: ExecutionStatus;
  requested_by: string;
  requested_at: string;
  started_at?: string | null;
  completed_at?: string | null;
  /** Of what ran; only the runtime document has it. */
  source_sha256?: string;
  /** Why it was cancelled or lost. */
  reason?: string | null;
  error?: ExecutionError | null;
  input?: IInputRequest | null;
}

/**
 * The kernel waits for a line of text.
 */
export interface IInputRequest {
  prompt: string;
  password: boolean;
  since: string;
}

/**
 * The server's API.
 */
export class RuntClient {
  constructor(options: RuntClient.IOptions = {}) {
    this.serverSettings =
      options.serverSettings ?? ServerConnection.makeSettings();
  }

  readonly serverSettings: ServerConnection.ISettings;

  /**
   * Ask which actor the log has for this person.
   */
  async whoAmI(): Promise<string> {
    return (await this.request<{ user: string }>('status')).user;
  }

  /**
   * Find the notebook of a file.
   */
  notebook(path: string): Promise<INotebookInfo> {
    const query = URLExt.objectToQueryString({ path });
    return this.request<INotebookInfo>(`notebooks${query}`);
  }

  /**
   * Read the runtimes of the notebooks that are open on the server.
   */
  runtimes(): Promise<IRuntimeInfos> {
    return this.request<IRuntimeInfos>('runtimes');
  }

  /**
   * Ask for a change.
   */
  command(notebookId: string, command: Command): Promise<ICommandReply> {
    const path = `notebooks/${encodeURIComponent(notebookId)}/commands`;
    return this.request<ICommandReply>(path, {
      method: 'POST',
      body: JSON.stringify(command)
    });
  }

  /**
   * Read an execution, after waiting up to `wait` seconds for its end.
   */
  execution(
    notebookId: string,
    executionId: string,
    wait: number
  ): Promise<IExecution> {
    const path = [notebookId, 'executions', executionId]
      .map(encodeURIComponent)
      .join('/');
    return this.request<IExecution>(`notebooks/${path}?wait=${wait}`);
  }

  /**
   * Read some versions of a notebook, newest first.
   *
   * @param before - Where the last page ended; null for the newest ones.
   */
  versions(
    notebookId: string,
    before: number | null,
    limit: number
  ): Promise<IVersionPage> {
    const query = before === null ? '' : `&before=${before}`;
    return this.request<IVersionPage>(
      `notebooks/${encodeURIComponent(notebookId)}/history?limit=${limit}${query}`
    );
  }

  /**
   * Read a notebook as it was.
   */
  notebookAt(
    notebookId: string,
    { kind, seq }: Pick<IVersion, 'kind' | 'seq'>
  ): Promise<INotebookContent> {
    const what = kind === 'kept' ? 'kept' : 'at';
    return this.request<INotebookContent>(
      `notebooks/${encodeURIComponent(notebookId)}/${what}/${seq}?outputs=references`
    );
  }

  /**
   * Read who wrote the lines of a cell.
   *
   * @param at - The moment, null for now.
   */
  async cellLines(
    notebookId: string,
    cellId: string,
    at: number | null
  ): Promise<IWrittenLine[]> {
    const path = [notebookId, 'authors', cellId]
      .map(encodeURIComponent)
      .join('/');
    const query = at === null ? '' : `?at=${at}`;
    const { lines } = await this.request<{ lines: IWrittenLine[] }>(
      `notebooks/${path}${query}`
    );
    return lines;
  }

  /**
   * Compare two moments of a notebook.
   *
   * @param to - Null for now.
   */
  difference(
    notebookId: string,
    from: number,
    to: number | null
  ): Promise<IDifference> {
    const query = to === null ? '' : `&to=${to}`;
    return this.request<IDifference>(
      `notebooks/${encodeURIComponent(notebookId)}/diff?from=${from}${query}`
    );
  }

  /**
   * Ask which room a text file is shared in, as the stock provider does.
   */
  async textRoom(path: string): Promise<void> {
    const parts = URLExt.encodeParts(path);
    await this._request(`api/collaboration/session/${parts}`, {
      method: 'PUT',
      body: JSON.stringify({ format: 'text', type: 'file' })
    });
  }

  /**
   * Ask for something below `api/runt`.
   */
  request<T>(path: string, init: RequestInit = {}): Promise<T> {
    return this._request<T>(`api/runt/${path}`, init);
  }

  private async _request<T>(path: string, init: RequestInit): Promise<T> {
    const response = await ServerConnection.makeRequest(
      URLExt.join(this.serverSettings.baseUrl, path),
      init,
      this.serverSettings
    );
    const body = (await response.json().catch(() => ({}))) as unknown;
    if (!response.ok) {
      const { code, message, detail } = body as Partial<RuntError>;
      throw new RuntError(
        code ?? 'unknown',
        message ?? `${response.status} ${response.statusText}`,
        detail
      );
    }
    return body as T;
  }
}

/**
 * A namespace for RuntClient statics.
 */
export namespace RuntClient {
  /**
   * The options of a client.
   */
  export interface IOptions {
    serverSettings?: ServerConnection.ISettings;
  }
}
