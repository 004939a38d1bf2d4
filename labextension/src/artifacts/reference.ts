import type { IRenderMime } from '@jupyterlab/rendermime';
import type { ReadonlyPartialJSONValue } from '@lumino/coreutils';

/**
 * The MIME type of a reference to what is too large for the document.
 */
export const REFERENCE = 'application/vnd.runt.artifact+json';

/**
 * The MIME type of many outputs, one a line: the further ones of a cell.
 */
export const OUTPUTS = 'application/x-ndjson';

/**
 * Some bytes that the server keeps beside the document.
 */
export interface IArtifact {
  /** Of the bytes, in hex. */
  sha256: string;
  /** What they are. */
  mime: string;
  /** How many they are. */
  size: number;
}

/**
 * What stands in an output for contents that are elsewhere.
 */
export interface IReference {
  /** The contents, by the MIME type that the output has them as. */
  contents: ReadonlyMap<string, IArtifact>;
  /** The contents that the output itself has. */
  inline: IRenderMime.IMimeModel['data'];
  /** What is shown until, or instead. */
  preview: string;
}

/**
 * Return the reference in an output's data, null where there is none that makes sense.
 */
export function readReference(
  data: IRenderMime.IMimeModel['data']
): IReference | null {
  const found = data[REFERENCE] as Record<string, unknown> | undefined;
  if (!isArtifact(found)) {
    return null;
  }
  const { others, stream, added, outputs } = found as unknown as Record<
    string,
    unknown
  >;
  const contents = new Map<string, IArtifact>();
  if (typeof outputs === 'number') {
    contents.set(OUTPUTS, found);
  } else if (stream === 'stdout' || stream === 'stderr') {
    contents.set(`application/vnd.jupyter.${stream}`, found);
  } else {
    const parts: unknown[] = Array.isArray(others) ? others : [];
    for (const part of [found, ...parts].filter(isArtifact)) {
      contents.set(part.mime, part);
    }
  }
  const inline: Record<string, ReadonlyPartialJSONValue | undefined> = {
    ...data
  };
  delete inline[REFERENCE];
  const preview = inline['text/plain'];
  if (added === 'text/plain' || (stream ?? outputs) !== undefined) {
    delete inline['text/plain'];
  }
  return {
    contents,
    inline,
    preview: typeof preview === 'string' ? preview : ''
  };
}

function isArtifact(value: unknown): value is IArtifact {
  const { sha256, mime, size } = (value ?? {}) as Record<string, unknown>;
  return (
    typeof sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(sha256) &&
    typeof mime === 'string' &&
    typeof size === 'number'
  );
}

/**
 * Tell whether a browser shows it as an image by its address alone.
 */
export function isImage(mime: string): boolean {
  return /^image\/(png|jpeg|gif|webp|bmp|avif)$/.test(mime);
}

/**
 * Tell whether it is a text of which the beginning and the end say something.
 */
export function isPlain(mime: string): boolean {
  return (
    mime === 'text/plain' || mime.startsWith('application/vnd.jupyter.std')
  );
}

/**
 * Return bytes as an output has the contents of a MIME type.
 */
export function valueOf(mime: string, bytes: Uint8Array<ArrayBuffer>): unknown {
  const isJson =
    mime === 'application/json' || /^application\/.*\+json$/.test(mime);
  const isText =
    isJson ||
    isPlain(mime) ||
    /^(text\/|image\/svg)|(javascript|xml)$/.test(mime);
  if (isText || !/^(image|audio|video|font)\/|\/pdf$/.test(mime)) {
    const text = new TextDecoder().decode(bytes);
    return isJson ? JSON.parse(text) : text;
  }
  let binary = '';
  for (let at = 0; at < bytes.length; at += 0x8000) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  }
  return btoa(binary);
}

/**
 * Return a number of bytes for people.
 */
export function sizeInWords(size: number): string {
  if (size < 1e3) {
    return `${size} bytes`;
  }
  return size < 1e6
    ? `${(size / 1e3).toFixed(1)} kB`
    : `${(size / 1e6).toFixed(1)} MB`;
}

/**
 * Return the name of a file to download it to.
 */
export function fileName({ mime, sha256 }: IArtifact): string {
  const known: Record<string, string> = {
    'text/plain': 'txt',
    'text/markdown': 'md',
    'application/javascript': 'js',
    'image/jpeg': 'jpg',
    [OUTPUTS]: 'ndjson',
    'image/svg+xml': 'svg'
  };
  const kind = mime.split('/')[1].replace(/^.*\+/, '').replace(/^x-/, '');
  return `output-${sha256.slice(0, 8)}.${known[mime] ?? kind}`;
}
