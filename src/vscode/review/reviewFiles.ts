import * as vscode from 'vscode';
import { schemes } from '../ids';
import { parseReviewUri, type ReviewDocument } from './reviewUris';

/** The text of a document of the review that is shown; undefined: there is none. */
export type ReadReviewDocument = (document: ReviewDocument) => Promise<string | undefined>;

/**
 * Both sides of a review, their plans and the report, as files that can't be written. A file system and not only documents, so that what a
 * runbook calls and its inventory are found beside it, in the same revision.
 */
export class ReviewFiles implements vscode.FileSystemProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  private readonly registration: vscode.Disposable;
  private readDocument: ReadReviewDocument = async () => undefined;
  /** Path of the folder that its files start from. */
  private root = '';
  private texts = new Map<string, Promise<Uint8Array | undefined>>();
  /** Counts reviews: a file of another review is another version of it. */
  private version = 1;
  readonly onDidChangeFile = this.changed.event;

  constructor() {
    this.registration = vscode.workspace.registerFileSystemProvider(schemes.review, this, {
      isReadonly: true,
      isCaseSensitive: true,
    });
  }

  /** From now on documents are those of another review. */
  show(read: ReadReviewDocument, root: string): void {
    const known = [...this.texts.keys()];
    this.readDocument = read;
    this.root = root;
    this.texts = new Map();
    this.version++;
    this.changed.fire(known.map(uri => ({ type: vscode.FileChangeType.Changed, uri: vscode.Uri.parse(uri) })));
  }

  async stat(uri: vscode.Uri): Promise<vscode.FileStat> {
    const { length } = await this.readFile(uri);
    return {
      type: vscode.FileType.File,
      ctime: 0,
      mtime: this.version,
      size: length,
      permissions: vscode.FilePermission.Readonly,
    };
  }

  async readFile(uri: vscode.Uri): Promise<Uint8Array> {
    const key = uri.toString();
    let bytes = this.texts.get(key);
    if (!bytes) {
      bytes = this.bytesOf(uri);
      this.texts.set(key, bytes);
    }
    const found = await bytes;
    if (!found) throw vscode.FileSystemError.FileNotFound(uri);
    return found;
  }

  private async bytesOf(uri: vscode.Uri): Promise<Uint8Array | undefined> {
    const document = parseReviewUri(uri, this.root);
    const text = document && (await this.readDocument(document));
    return text === undefined ? undefined : new TextEncoder().encode(text);
  }

  watch(): vscode.Disposable {
    return new vscode.Disposable(() => undefined);
  }

  readDirectory(): [string, vscode.FileType][] {
    return [];
  }

  createDirectory(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  writeFile(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  delete(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  rename(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  dispose(): void {
    this.registration.dispose();
    this.changed.dispose();
  }
}
