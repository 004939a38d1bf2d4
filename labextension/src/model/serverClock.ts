/**
 * Tells the time of the server, whatever the browser's clock says.
 */
export class ServerClock {
  constructor(private _local: () => number = Date.now) {}

  /**
   * The server said how late it is.
   */
  set(stamp: string): void {
    this._ahead = Date.parse(stamp) - this._local();
  }

  /**
   * The server said that something has happened: it is later than that.
   */
  passed(stamp: string): void {
    this._ahead = Math.max(this._ahead, Date.parse(stamp) - this._local());
  }

  /**
   * Return how late it is on the server, in milliseconds.
   */
  now(): number {
    return this._local() + this._ahead;
  }

  private _ahead = 0;
}
