import { describe, expect, it } from 'vitest';

import {
  fileName,
  isImage,
  OUTPUTS,
  readReference,
  REFERENCE,
  sizeInWords,
  valueOf
} from './reference';

const sha256 = 'ab'.repeat(32);
const PNG = { sha256, mime: 'image/png', size: 52431 };

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

describe('a reference', () => {
  it('has its contents by MIME type, beside those that are inline', () => {
    const html = { sha256: 'cd'.repeat(32), mime: 'text/html', size: 1 };
    const reference = readReference({
      [REFERENCE]: { ...PNG, others: [html, 'nonsense'] },
      'text/plain': '<Figure>',
      'text/latex': 'x'
    });
    expect([...reference!.contents.keys()]).toEqual(['image/png', 'text/html']);
    expect(reference!.inline).toEqual({
      'text/plain': '<Figure>',
      'text/latex': 'x'
    });
    expect(reference!.preview).toBe('<Figure>');
  });

  it('does not offer a text that stands in for what has none', () => {
    const data = { [REFERENCE]: { ...PNG, added: 'text/plain' } };
    const reference = readReference({ ...data, 'text/plain': 'image, 1 kB' });
    expect(reference!.inline).toEqual({});
    expect(reference!.preview).toBe('image, 1 kB');
  });

  it('of a stream is shown as the stream', () => {
    const reference = readReference({
      [REFERENCE]: { sha256, mime: 'text/plain', size: 9, stream: 'stderr' },
      'text/plain': 'oh'
    });
    expect([...reference!.contents.keys()]).toEqual([
      'application/vnd.jupyter.stderr'
    ]);
  });

  it('of many outputs is shown by none of their types', () => {
    const reference = readReference({
      [REFERENCE]: { sha256, mime: OUTPUTS, size: 9, outputs: 3 },
      'text/plain': '3 more'
    });
    expect([...reference!.contents.keys()]).toEqual([OUTPUTS]);
    expect(reference!.inline).toEqual({});
    expect(reference!.preview).toBe('3 more');
  });

  it.each([
    undefined,
    7,
    {},
    { ...PNG, sha256: '../../x' },
    { ...PNG, size: '1' }
  ])('is none where it says nonsense: %j', value => {
    expect(readReference({ [REFERENCE]: value })).toBeNull();
  });
});

describe('the contents of an output', () => {
  it('are text, JSON or base64, as nbformat has them', () => {
    expect(valueOf('text/html', bytes('<é>'))).toBe('<é>');
    expect(valueOf('image/svg+xml', bytes('<svg/>'))).toBe('<svg/>');
    expect(valueOf('application/vnd.vega.v5+json', bytes('{"a":[1]}'))).toEqual(
      {
        a: [1]
      }
    );
    expect(valueOf('application/pdf', bytes('%PDF'))).toBe(btoa('%PDF'));
    const long = new Uint8Array(100_000).fill(7);
    expect(atob(valueOf('audio/wav', long) as string)).toHaveLength(100_000);
  });

  it('have names and sizes for people', () => {
    expect(fileName(PNG)).toBe('output-abababab.png');
    expect(fileName({ ...PNG, mime: 'image/svg+xml' })).toBe(
      'output-abababab.svg'
    );
    expect(fileName({ ...PNG, mime: 'application/vnd.vega.v5+json' })).toBe(
      'output-abababab.json'
    );
    expect(sizeInWords(7)).toBe('7 bytes');
    expect(sizeInWords(52431)).toBe('52.4 kB');
    expect(sizeInWords(3e6)).toBe('3.0 MB');
    expect([isImage('image/png'), isImage('image/svg+xml')]).toEqual([
      true,
      false
    ]);
  });
});
