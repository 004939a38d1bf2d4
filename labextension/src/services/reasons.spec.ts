import { ServerConnection } from '@jupyterlab/services';
import { nullTranslator } from '@jupyterlab/translation';
import { expect, it } from 'vitest';

import { reasonOf } from './reasons';

it('says what the server says, or that it says nothing', () => {
  const trans = nullTranslator.load('jupyter_runt');
  expect(reasonOf(new Error('You may not.'), trans)).toBe('You may not.');
  const away = new ServerConnection.NetworkError(new TypeError('NetworkError'));
  expect(reasonOf(away, trans)).toBe('the server does not answer.');
});
