import * as vscode from 'vscode';
import type { ReviewResult } from '../../review/contract';
import type { ChangeSet } from '../../review/revision';
import type { Side } from './reviewUris';

/** A review that was made, and where its files are in the editor. */
export interface KeptReview {
  result: ReviewResult;
  changes: ChangeSet;
  /** The document of a file of the review, by its path at that side. */
  uriOf(side: Side, path: string): vscode.Uri;
  /** Of a document that is a file of either side: which one. A working file is the head, or neither when the head is no working tree. */
  fileOf(uri: vscode.Uri): { side: Side; path: string } | undefined;
}

/** The review that is shown, for everything that draws it. */
export class ReviewResults implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<KeptReview | undefined>();
  private kept: KeptReview | undefined;
  readonly onDidChange = this.changed.event;

  /** undefined: nothing was reviewed yet. */
  get current(): KeptReview | undefined {
    return this.kept;
  }

  set(review: KeptReview | undefined): void {
    this.kept = review;
    this.changed.fire(review);
  }

  dispose(): void {
    this.changed.dispose();
  }
}
