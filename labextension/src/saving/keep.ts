import { type DBSchema, type IDBPDatabase, openDB } from 'idb';

const NAME = 'jupyter-runt';

/** Edits that nobody came back for in so many milliseconds are forgotten. */
const LIFETIME_MS = 90 * 24 * 3600 * 1000;

/**
 * Edits of a notebook that a browser keeps until the server has them.
 */
export interface IKeptEdits {
  /** Of the notebook's room, and of its history: they fit nothing else. */
  room: string;
  history: string;
  /** Where the notebook was: the server's address and its path. */
  place: string;
  /** When they were made, in milliseconds. */
  at: number;
  /** Transactions. */
  count: number;
  /** A Yjs update. */
  update: Uint8Array;
  /** How the edited cells read, by their ids. */
  texts: Record<string, string>;
}

/**
 * Kept edits, and where.
 */
export interface IKeptRecord extends IKeptEdits {
  id: number;
}

interface ISchema extends DBSchema {
  edits: {
    key: number;
    value: IKeptEdits & { id?: number };
    indexes: { document: [string, string]; place: string; at: number };
  };
}

/**
 * Keeps edits in this browser, for all of its tabs.
 *
 * To bring edits to the server twice does no harm, so tabs need not agree.
 */
export class EditKeep {
  /**
   * Open what this browser keeps; it fails where a browser keeps nothing.
   */
  static async open(): Promise<EditKeep> {
    const database = await openDB<ISchema>(NAME, 1, {
      upgrade: made => {
        const edits = made.createObjectStore('edits', {
          keyPath: 'id',
          autoIncrement: true
        });
        edits.createIndex('document', ['room', 'history']);
        edits.createIndex('place', 'place');
        edits.createIndex('at', 'at');
      }
    });
    const keep = new EditKeep(database);
    await keep._forgetOld();
    return keep;
  }

  private constructor(database: IDBPDatabase<ISchema>) {
    this._database = database;
  }

  /**
   * Keep edits in place of others, and return their id.
   *
   * The page may go as soon as this is called.
   */
  async put(edits: IKeptEdits, instead: readonly number[]): Promise<number> {
    const transaction = this._database.transaction('edits', 'readwrite');
    const requests = [
      transaction.store.put(edits),
      ...instead.map(id => transaction.store.delete(id))
    ] as const;
    transaction.commit();
    const [id] = await Promise.all([...requests, transaction.done]);
    return id;
  }

  /**
   * Forget edits.
   */
  async forget(ids: readonly number[]): Promise<void> {
    const transaction = this._database.transaction('edits', 'readwrite');
    await Promise.all([
      ...ids.map(id => transaction.store.delete(id)),
      transaction.done
    ]);
  }

  /**
   * Return what is kept of one history of a document, oldest first.
   */
  async ofDocument(room: string, history: string): Promise<IKeptRecord[]> {
    const query = IDBKeyRange.only([room, history]);
    const found = this._database.getAllFromIndex('edits', 'document', query);
    return (await found) as IKeptRecord[];
  }

  /**
   * Return what is kept of whatever was at a place, oldest first.
   */
  async ofPlace(place: string): Promise<IKeptRecord[]> {
    const found = this._database.getAllFromIndex('edits', 'place', place);
    return (await found) as IKeptRecord[];
  }

  private async _forgetOld(): Promise<void> {
    const old = IDBKeyRange.upperBound(Date.now() - LIFETIME_MS);
    await this.forget(
      await this._database.getAllKeysFromIndex('edits', 'at', old)
    );
  }

  private _database: IDBPDatabase<ISchema>;
}
