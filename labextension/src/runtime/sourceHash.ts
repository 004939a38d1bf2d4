import { digest } from 'lib0/hash/sha256';

const encoder = new TextEncoder();

/**
 * Return the SHA-256 of a text, in hexadecimal digits.
 *
 * The browser's own is only there where pages come over HTTPS.
 */
export function sha256(text: string): string {
  return Array.from(digest(encoder.encode(text)), byte =>
    byte.toString(16).padStart(2, '0')
  ).join('');
}
