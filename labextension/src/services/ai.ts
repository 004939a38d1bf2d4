import type { RuntClient } from './client';

/** What an AI cell's finished answer is in its outputs, beside Markdown. */
export const ANSWER_MIME = 'application/vnd.runt.ai.v1+json';

/**
 * Where a turn is.
 */
export type TurnStatus =
  'running' | 'waiting' | 'ok' | 'error' | 'cancelled' | 'lost' | 'limit';

/**
 * What a tool does to the notebook or to the world.
 */
export type Effect = 'read' | 'edit' | 'execute' | 'files' | 'external';

/**
 * A call of a tool.
 */
export interface IToolCall {
  type: 'tool';
  call_id: string;
  tool: string;
  effect: Effect;
  /** As the model wrote them: JSON, if it did well. */
  arguments: string;
  status: 'requested' | 'waiting' | 'running' | 'ok' | 'error' | 'denied';
  /** Shortened. */
  result?: string | null;
}

/**
 * A part of an answer that is text.
 */
export interface ITextPart {
  type: 'text';
  text: string;
}

/**
 * A part of an answer.
 */
export type AnswerPart = ITextPart | IToolCall;

/**
 * How many tokens a turn took, as its provider says.
 */
export interface IUsage {
  input_tokens?: number | null;
  output_tokens?: number | null;
  /** In the currency of the prices that are configured. */
  cost?: number | null;
}

/**
 * What is said of a turn wherever it is.
 */
export interface ITurnFacts {
  turn_id: string;
  status: TurnStatus;
  model: string;
  usage?: IUsage | null;
  error?: string | null;
}

/**
 * A finished turn, as the outputs of its cell keep it.
 */
export interface IAnswer extends ITurnFacts {
  /** What was asked; empty where it is not kept. */
  prompt: string;
  items: AnswerPart[];
}

/**
 * A turn, as the runtime document shows it.
 */
export interface ITurn extends ITurnFacts {
  cell_id: string;
  requested_by: string;
  requested_at: string;
  completed_at?: string | null;
  /** Whether somebody took back what it changed. */
  undone?: boolean;
  text: string;
  /** Where in the text, in UTF-16 code units, each call was made. */
  items: (IToolCall & { at: number })[];
}

/**
 * A call that waits for a decision, as everybody sees it.
 */
export interface IWaitingCall {
  call_id: string;
  turn_id: string;
  cell_id: string;
  tool: string;
  effect: Effect;
  /** Who may decide. */
  requested_by: string;
  requested_at: string;
  expires_at: string;
}

/**
 * A model that AI cells can ask.
 */
export interface IModelInfo {
  /** As `provider/model`. */
  id: string;
  provider: string;
  capabilities: string[];
  context_tokens?: number | null;
}

/**
 * Where models are, and what is missing for using them.
 */
export interface IProviderInfo {
  name: string;
  ready: boolean;
  /** Whether this person gave a key of their own. */
  own_key?: boolean;
  problem?: string | null;
}

/**
 * The models that there are.
 */
export interface IModels {
  models: IModelInfo[];
  providers: IProviderInfo[];
  /** The one that is asked where none is chosen. */
  default?: string | null;
}

/**
 * Read which models there are.
 */
export function readModels(client: RuntClient): Promise<IModels> {
  return client.request<IModels>('models');
}

/**
 * Keep this person's key of a provider on the server, which never gives it back.
 */
export async function giveKey(
  client: RuntClient,
  provider: string,
  key: string
): Promise<void> {
  const body = JSON.stringify({ key });
  await client.request(keyPath(provider), { method: 'PUT', body });
}

/**
 * Have the server forget this person's key of a provider.
 */
export async function forgetKey(
  client: RuntClient,
  provider: string
): Promise<void> {
  await client.request(keyPath(provider), { method: 'DELETE' });
}

/**
 * Ask whether a provider takes the key that would be used for this person.
 */
export function testProvider(
  client: RuntClient,
  provider: string
): Promise<IProviderInfo> {
  const path = `providers/${encodeURIComponent(provider)}/test`;
  return client.request<IProviderInfo>(path, { method: 'POST', body: '{}' });
}

function keyPath(provider: string): string {
  return `providers/${encodeURIComponent(provider)}/key`;
}

/**
 * A call that waits for this person's decision.
 */
export interface IApproval {
  call_id: string;
  turn_id: string;
  tool: string;
  effect: Effect;
  arguments: Record<string, unknown>;
  /** What it would do: the exact code, or the question that the AI asks. */
  preview: string;
  arguments_hash: string;
  /** Only who may decide gets it. */
  nonce?: string | null;
  requested_at: string;
  expires_at: string;
  /** Whether "always" can be said: not where the AI has read what others may have written. */
  always?: boolean;
  /** Answers to choose from, of a question; null where it is none. */
  choices?: string[] | null;
}

/**
 * Read what waits for a decision in a notebook.
 */
export async function readApprovals(
  client: RuntClient,
  notebookId: string
): Promise<IApproval[]> {
  const path = `notebooks/${encodeURIComponent(notebookId)}/approvals`;
  return (await client.request<{ approvals: IApproval[] }>(path)).approvals;
}

/**
 * What a person always allows in a notebook.
 */
export interface IAllowed {
  tool: string;
  effect: Effect;
}

/**
 * Read what this person always allows in a notebook.
 */
export async function readAllowed(
  client: RuntClient,
  notebookId: string
): Promise<IAllowed[]> {
  const path = `notebooks/${encodeURIComponent(notebookId)}/approvals`;
  return (await client.request<{ always: IAllowed[] }>(path)).always;
}

/**
 * A turn, with what the model was given.
 */
export interface IShownTurn extends ITurn {
  /** Null where it ended before. */
  shown: IContext | null;
}

/**
 * What a model was given, before anything that it said or called for.
 */
export interface IContext {
  model: string;
  messages: IContextMessage[];
  /** The names of the tools that it was told of. */
  tools: string[];
  /** What did not fit, and what was shortened. */
  left_out: { cell_id: string; what: string }[];
  /** How much it is at most. */
  tokens: number;
  budget: number;
}

/**
 * A message that a model was given.
 */
export interface IContextMessage {
  role: string;
  text: string;
  /** Those that it tells of. */
  cells?: readonly string[];
}

/**
 * Read a turn, and what the model was given.
 */
export function readTurn(
  client: RuntClient,
  notebookId: string,
  turnId: string
): Promise<IShownTurn> {
  const path = [notebookId, 'turns', turnId].map(encodeURIComponent).join('/');
  return client.request<IShownTurn>(`notebooks/${path}`);
}
