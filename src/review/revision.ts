import type { RevisionName } from './model';

/** One state of a repository: a commit, the index, or the working tree. Paths are from its root, with `/`. */
export interface Revision {
  name: RevisionName;
  read(path: string): Promise<FileContent>;
  /**
   * Paths of the runbooks (or inventories) in which at least one of these words stands, as text. Used to find who calls a changed runbook, names an
   * inventory, or has a lab.
   */
  mentioning(words: readonly string[], among?: 'runbooks' | 'inventories'): Promise<string[]>;
}

export type FileContent =
  | { kind: 'text'; text: string }
  | { kind: 'missing' }
  /** It is there and can't be read as text: why, as a sentence; and in which line, where it is one. */
  | { kind: 'unreadable'; why: string; line?: number };

/** A file that is not the same on both sides. */
export type FileChange =
  | { status: 'added' | 'deleted' | 'changed'; path: string }
  | { status: 'renamed'; path: string; basePath: string };

/** A change as a version control system gives it. */
export interface ChangeSet {
  base: Revision;
  head: Revision;
  /** Any files; those that are neither runbooks nor inventories, nor labs or captures of these, are passed over. */
  changes: FileChange[];
}
