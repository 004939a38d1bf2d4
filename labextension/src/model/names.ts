import type { TranslationBundle } from '@jupyterlab/translation';

import { Authors } from './authors';
import { peopleOf } from './people';

/** Everybody, where Jupyter does not know its users. */
const LOCAL = 'user:local';

/**
 * Says who did something, to one of those who did.
 */
export class Names {
  /**
   * @param sharedModel - The notebook, which knows who has it open.
   * @param me - Returns the name under which the server knows who looks.
   */
  constructor(
    sharedModel: object,
    private _me: () => string | null,
    private _trans: TranslationBundle
  ) {
    this._authors = new Authors(() => peopleOf(sharedModel), _trans);
  }

  /**
   * Return the name of an actor.
   */
  of(actor: string): string {
    return this._isMe(actor)
      ? this._trans.__('you')
      : this._authors.of(actor).name;
  }

  /**
   * Return the name of somebody else, or null where that says nothing.
   */
  ofOther(actor: string | null): string | null {
    return actor === null || actor === LOCAL || this._isMe(actor)
      ? null
      : this._authors.of(actor).name;
  }

  private _isMe(actor: string): boolean {
    return actor !== LOCAL && actor === `user:${this._me()}`;
  }

  private _authors: Authors;
}
