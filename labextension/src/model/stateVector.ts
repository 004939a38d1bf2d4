import type { ISharedNotebook } from '@jupyter/ydoc';
import * as Y from 'yjs';

/**
 * Return what a notebook holds, as commands tell the server, in base64.
 */
export function encodeStateVector(notebook: ISharedNotebook): string {
  const { ydoc } = notebook as unknown as { ydoc: Y.Doc };
  const bytes = Array.from(Y.encodeStateVector(ydoc));
  return btoa(bytes.map(byte => String.fromCharCode(byte)).join(''));
}
