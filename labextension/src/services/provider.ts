import type * as Y from 'yjs';

import type { IAwareness } from './presence';

/**
 * What we need of the stock provider of a document, which we do not make.
 *
 * It shows itself as the origin of what it brings into the document.
 */
export interface IProvider {
  readonly roomname: string;
  readonly url: string;
  readonly ws: WebSocket | null;
  readonly synced: boolean;
  readonly awareness: IAwareness;
  /** Leave the room, and do not come back. */
  disconnect(): void;
  on<Name extends keyof IProviderEvents>(
    name: Name,
    listener: IProviderEvents[Name]
  ): void;
  off<Name extends keyof IProviderEvents>(
    name: Name,
    listener: IProviderEvents[Name]
  ): void;
}

/**
 * What a provider tells.
 */
export interface IProviderEvents {
  sync: (synced: boolean) => void;
  status: (event: { status: string }) => void;
  'connection-close': (event: CloseEvent | null) => void;
}

/**
 * Tell whether a transaction's origin is a provider.
 */
export function isProvider(origin: unknown): origin is IProvider {
  return (
    typeof origin === 'object' &&
    origin !== null &&
    'roomname' in origin &&
    'synced' in origin &&
    'ws' in origin
  );
}

/**
 * Tell whether a provider is of a document, and not of a copy of its past.
 */
export function isDocument({ roomname }: IProvider): boolean {
  return roomname.includes(':');
}

/**
 * Return the id of the history that a provider asked for.
 */
export function historyOf({ url }: IProvider): string {
  return new URL(url).searchParams.get('sessionId') ?? '';
}

/**
 * Return the frame of y-websocket that asks for what a state vector lacks.
 */
export function step1Frame(stateVector: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = [0, 0];
  let { length } = stateVector;
  for (; length > 0x7f; length = Math.floor(length / 0x80)) {
    head.push((length % 0x80) | 0x80);
  }
  return new Uint8Array([...head, length, ...stateVector]);
}

/**
 * Tell whether a frame answers such a question.
 */
export function isStep2(data: unknown): boolean {
  if (!(data instanceof ArrayBuffer) || data.byteLength < 2) {
    return false;
  }
  const [kind, step] = new Uint8Array(data, 0, 2);
  return kind === 0 && step === 1;
}

/**
 * Return the Yjs document of a shared model.
 */
export function documentOf(sharedModel: object): Y.Doc {
  return (sharedModel as { ydoc: Y.Doc }).ydoc;
}
