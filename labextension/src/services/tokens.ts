import type { RuntClient } from './client';

/**
 * What is known of a token, which is not the token itself.
 */
export interface IToken {
  token_id: string;
  /** Who made it, and is who acts with it. */
  actor: string;
  /** For people. */
  label: string;
  created_at: string;
  expires_at: string;
}

/**
 * A token that was just made.
 */
export interface INewToken extends IToken {
  /** What is told this once. */
  token: string;
}

/**
 * Read the tokens of a notebook that work.
 */
export async function readTokens(
  client: RuntClient,
  notebookId: string
): Promise<IToken[]> {
  const path = pathOf(notebookId);
  return (await client.request<{ tokens: IToken[] }>(path)).tokens;
}

/**
 * Make a token with which a machine can run the kernel of a notebook.
 *
 * @param expires_in - For how many seconds it works.
 */
export function makeToken(
  client: RuntClient,
  notebookId: string,
  label: string,
  expires_in: number
): Promise<INewToken> {
  const body = JSON.stringify({ action: 'agent', label, expires_in });
  return client.request<INewToken>(pathOf(notebookId), {
    method: 'POST',
    body
  });
}

/**
 * Have a token work no more.
 */
export async function revokeToken(
  client: RuntClient,
  notebookId: string,
  tokenId: string
): Promise<void> {
  const path = `${pathOf(notebookId)}/${encodeURIComponent(tokenId)}`;
  await client.request(path, { method: 'DELETE' });
}

function pathOf(notebookId: string): string {
  return `notebooks/${encodeURIComponent(notebookId)}/tokens`;
}
