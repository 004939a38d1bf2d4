import { type DBSchema, type IDBPDatabase, openDB } from 'idb';

const NAME = 'jupyter-runt';

/** Edits that nobody came back for in so many milliseconds are forgotten. */
const LIFETIME_MS = 90 * 24 * 3600 * 1000;

/**
 * Edits of a notebook that a browser keeps until the server has them.
 */
export interface IKeptEdits {
  /** The actor who made them: they go to the server as nobody else's. */
  owner: string;
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
    indexes: {
      document: [string, string, string];
      place: [string, string];
      at: number;
    };
  };
}

/**
 * Keeps a person's edits in this browser, for all of its tabs.
 *
 * Others who use the browser keep theirs beside them, and do not see these.
 * To bring edits to the server twice does no harm, so tabs need not agree.
 */
export class EditKeep {
  /**
   * Open what this browser keeps; it fails where a browser keeps nothing.
   *
   * @param owner - The actor that the person is.
   */
  static async open(owner: string): Promise<EditKeep> {
    const database = await openDB<ISchema>(NAME, 2, {
      upgrade: made => {
        if (made.objectStoreNames.contains('edits')) {
          made.deleteObjectStore('edits'); // it did not say whose they were
        }
        const edits = made.createObjectStore('edits', {
          keyPath: 'id',
          autoIncrement: true
        });
        edits.createIndex('document', ['owner', 'room', 'history']);
        edits.createIndex('place', ['owner', 'place']);
        edits.createIndex('at', 'at');
      }
    });
    const keep = new EditKeep(database, owner);
    await keep._forgetOld();
    return keep;
  }

  private constructor(
    private _database: IDBPDatabase<ISchema>,
    private _owner: string
  ) {}

  /**
   * Keep edits in place of others, and return their id.
   *
   * The page may go as soon as this is called.
   */
  async put(
    edits: Omit<IKeptEdits, 'owner'>,
    instead: readonly number[]
  ): Promise<number> {
    const transaction = this._database.transaction('edits', 'readwrite');
    const requests = [
      transaction.store.put({ ...edits, owner: this._owner }),
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
   * Return what the person has of one history of a document, oldest first.
   */
  async ofDocument(room: string, history: string): Promise<IKeptRecord[]> {
    const query = IDBKeyRange.only([this._owner, room, history]);
    const found = this._database.getAllFromIndex('edits', 'document', query);
    return (await found) as IKeptRecord[];
  }

  /**
   * Return what the person has of whatever was at a place, oldest first.
   */
  async ofPlace(place: string): Promise<IKeptRecord[]> {
    const query = IDBKeyRange.only([this._owner, place]);
    const found = this._database.getAllFromIndex('edits', 'place', query);
    return (await found) as IKeptRecord[];
  }

  private async _forgetOld(): Promise<void> {
    const old = IDBKeyRange.upperBound(Date.now() - LIFETIME_MS);
    await this.forget(
      await this._database.getAllKeysFromIndex('edits', 'at', old)
    );
  }
}
