import { describe, expect, it } from 'vitest';

import { notebookElsewhere } from './elsewhere';

describe('notebookElsewhere', () => {
  it.each([
    [
      'on one machine',
      'http://127.0.0.1:8889/?token=secret',
      'http://localhost:8888/',
      'http://127.0.0.1:8889/lab/tree/a%20b/n.ipynb'
    ],
    [
      'on a machine in the network',
      'http://127.0.0.1:8889/',
      'http://lab.example:8888/',
      'http://lab.example:8889/lab/tree/a%20b/n.ipynb'
    ],
    [
      'behind a hub',
      'http://127.0.0.1:41234/user/ada/second/',
      'https://hub.example/user/ada/first/',
      'https://hub.example/user/ada/second/lab/tree/a%20b/n.ipynb'
    ]
  ])('leads to the other server %s', (_, there, here, address) => {
    expect(notebookElsewhere(there, here, 'a b/n.ipynb')).toBe(address);
  });
});
