import type { INotebookContent } from '@jupyterlab/nbformat';
import type { PartialJSONObject } from '@lumino/coreutils';

/**
 * What made a version.
 */
export type VersionKind =
  'edits' | 'run' | 'file' | 'command' | 'turn' | 'restore' | 'fork' | 'kept';

/**
 * A moment of a notebook worth going back to.
 */
export interface IVersion {
  /** The notebook after this event is the version. */
  seq: number;
  /** Of the first event that belongs to it. */
  first_seq: number;
  recorded_at: string;
  /** Actors, as `user:ada` or `file`. */
  authors: string[];
  kind: VersionKind;
  /** The ids of the cells that it touched. */
  cells: string[];
  /** Who touched each of them. */
  cell_authors: Record<string, string[]>;
  /** A phrase for people. */
  summary: string;
  /** Why it was kept, of a kept one. */
  reason?: string | null;
  /** The same for people. */
  message?: string | null;
}

/**
 * Some versions, newest first.
 */
export interface IVersionPage {
  versions: IVersion[];
  /** What to ask for the next page with. */
  next_before: number | null;
}

/**
 * What differs between two moments, for nbdime.
 */
export interface IDifference {
  base: INotebookContent;
  diff: PartialJSONObject[];
  /** Who touched each cell between the two. */
  cell_authors: Record<string, string[]>;
}

/**
 * A line of a cell, and who wrote what there is of it.
 */
export interface IWrittenLine {
  text: string;
  /** The last one first; empty where the history does not tell. */
  authors: string[];
  /** Of the update that brought the last of it. */
  seq: number | null;
  recorded_at: string | null;
}
