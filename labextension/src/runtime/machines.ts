import type { IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';

import {
  type INewToken,
  type IToken,
  makeToken,
  readTokens,
  revokeToken
} from '../services/tokens';
import type { NotebookControl } from './control';

const DAY = 24 * 3600;

/** For how many days a token can work. */
export const LIFETIMES: readonly number[] = [1, 7, 30, 90];

/**
 * The tokens with which other machines can run the kernel of a notebook.
 */
export class Machines implements IDisposable {
  /**
   * The tokens that work; null as long as the server was not asked, or where the person may not know.
   */
  get tokens(): readonly IToken[] | null {
    return this._tokens;
  }

  /**
   * The token that was just made, which is told once.
   */
  get made(): INewToken | null {
    return this._made;
  }

  /**
   * They are others, or known now.
   */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /**
   * Show those of this notebook.
   */
  follow(control: NotebookControl | null): void {
    if (control !== this._control) {
      this._control = control;
      this._tokens = this._made = null;
      this._changed.emit();
    }
  }

  /**
   * Read them.
   */
  async refresh(): Promise<void> {
    const control = this._control;
    const tokens = await control?.runtime.ask(readTokens);
    if (control === this._control && !this._isDisposed) {
      this._tokens = tokens ?? null;
      this._changed.emit();
    }
  }

  /**
   * Make one.
   *
   * @param days - For how long it works.
   */
  async make(label: string, days: number): Promise<void> {
    const control = this._control;
    const made = await control?.runtime.ask((client, id) =>
      makeToken(client, id, label, days * DAY)
    );
    if (control === this._control) {
      this._made = made ?? null;
      await this.refresh();
    }
  }

  /**
   * Have one work no more.
   */
  async revoke({ token_id }: IToken): Promise<void> {
    await this._control?.runtime.ask((client, id) =>
      revokeToken(client, id, token_id)
    );
    if (this._made?.token_id === token_id) {
      this._made = null;
    }
    await this.refresh();
  }

  /**
   * Tell the one that was just made no more.
   */
  forget(): void {
    this._made = null;
    this._changed.emit();
  }

  /**
   * What a person types on the other machine.
   *
   * @param server - Where it finds this one.
   */
  command({ token }: INewToken, server: string): string {
    const { panel, runtime } = this._control!;
    const kernel = runtime.model.runtime.kernel_name ?? 'python3';
    return [
      `JUPYTER_RUNT_TOKEN=${token}`,
      'jupyter runt agent',
      `--url ${quoted(server)}`,
      `--notebook ${quoted(panel.context.localPath)}`,
      `--kernel ${quoted(kernel)}`
    ].join(' ');
  }

  /**
   * Whether they are shown no more.
   */
  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /**
   * Show them no more.
   */
  dispose(): void {
    this._isDisposed = true;
    Signal.clearData(this);
  }

  private _control: NotebookControl | null = null;
  private _tokens: readonly IToken[] | null = null;
  private _made: INewToken | null = null;
  private _isDisposed = false;
  private _changed = new Signal<this, void>(this);
}

/** As a shell reads it as one word. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text)
    ? text
    : `'${text.replaceAll("'", `'\\''`)}'`;
}
