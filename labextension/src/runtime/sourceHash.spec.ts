import { expect, it } from 'vitest';

import { sha256 } from './sourceHash';

it('hashes a text as the server does', () => {
  expect(sha256('')).toBe(
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
  );
  expect(sha256('ü 😀')).toBe(
    '60ef1be82480a121c0e7fb6266d3e834843fbb9bc8767f7c4019f680799a888a'
  );
});
