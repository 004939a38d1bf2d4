import type { User } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';

/**
 * Somebody, or something, that changed a notebook.
 */
export interface IAuthor {
  name: string;
  initials: string;
  /** As CSS says it. */
  color: string;
}

/** The colors that JupyterLab's themes have for people. */
const COLORS = 7;

/**
 * Tells who is meant by the actors of the log.
 */
export class Authors {
  /**
   * @param people - Returns the people who have the notebook open now.
   */
  constructor(
    private _people: () => Iterable<User.IIdentity>,
    private _trans: TranslationBundle
  ) {}

  /**
   * Return who an actor is; those who have left are remembered.
   */
  of(actor: string): IAuthor {
    for (const identity of this._people()) {
      this._seen.set(identity.username, identity);
    }
    const [kind, ...rest] = actor.split(':');
    const name = rest.join(':');
    const identity = kind === 'user' ? this._seen.get(name) : undefined;
    if (identity) {
      const shown = identity.display_name || identity.name || name;
      return {
        name: shown,
        initials: identity.initials || initialsOf(shown),
        color: identity.color || colorOf(actor)
      };
    }
    const shown = this._name(kind, name) || actor;
    return { name: shown, initials: initialsOf(shown), color: colorOf(actor) };
  }

  private _name(kind: string, name: string): string {
    switch (kind) {
      case 'file':
        return this._trans.__('File');
      case 'agent':
        return this._trans.__('AI');
      case 'runtime':
        return this._trans.__('Kernel');
      case 'user':
        return this._user(name);
      default:
        return name;
    }
  }

  private _user(name: string): string {
    const [, token] = /^token-(.+)$/.exec(name) ?? [];
    if (token !== undefined) {
      return this._trans.__('A program (token %1)', token);
    }
    return name === 'local' ? this._trans.__('Local user') : name;
  }

  private _seen = new Map<string, User.IIdentity>();
}

/**
 * Return the first letters of the first and the last word.
 */
export function initialsOf(name: string): string {
  const words = name.split(/[\s._-]+/).filter(word => word !== '');
  const ends = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return ends.map(word => [...word][0].toLocaleUpperCase()).join('');
}

function colorOf(actor: string): string {
  let hash = 0;
  for (const letter of actor) {
    hash = (hash * 31 + letter.codePointAt(0)!) % 65_521;
  }
  return `var(--jp-collaborator-color${(hash % COLORS) + 1})`;
}
