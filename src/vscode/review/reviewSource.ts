import type * as vscode from 'vscode';
import type { ChangeSet } from '../../review/revision';
import type { Side } from './reviewUris';

/** A change whose files can be read until it is closed. */
export interface OpenedChange {
  changes: ChangeSet;
  close?(): Promise<void>;
}

/** Where the two sides of a review come from. It is asked again for each review. */
export interface ReviewSource {
  /** Path of the folder that paths of the review start from, without a `/` at its end. */
  readonly root: string;
  changes(): Promise<OpenedChange>;
  /** The document that is a file of that side, if it has one that is not of the review itself: a working file, or a side of a diff. */
  documentOf(side: Side, path: string): vscode.Uri | undefined;
  /** The other way round. */
  fileOf(uri: vscode.Uri): { side: Side; path: string } | undefined;
  /** What can't be known of what comes from here, each a sentence. */
  unknowns: string[];
}
