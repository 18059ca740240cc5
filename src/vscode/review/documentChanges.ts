import * as vscode from 'vscode';
import { kindOf } from '../../review/repository-path';
import type { FileChange, FileContent, Revision } from '../../review/revision';
import { schemes } from '../ids';
import { readText } from '../language/readText';
import { revisionOf } from '../language/revisionUri';
import { neighbour } from '../language/workspaceTexts';
import type { OpenedChange, ReviewSource } from './reviewSource';
import type { Side } from './reviewUris';

/** A document as it was and as it is; one of them may be missing. */
export interface DocumentPair {
  base?: vscode.Uri;
  head?: vscode.Uri;
}

/** Runbooks or inventories that are looked through for what names a changed file. */
const mostLookedThrough = 2000;

/** The runbooks and inventories whose two sides are shown in diff editors, whoever opened them: a pull request, a repository, a person. */
export function pairsInDiffEditors(): DocumentPair[] {
  const pairs = new Map<string, DocumentPair>();
  for (const { input } of vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs)) {
    if (!(input instanceof vscode.TabInputTextDiff)) continue;
    const { original, modified } = input;
    // The documents of a review are gone when another one is made.
    if ([original, modified].some(({ scheme }) => scheme === schemes.review)) continue;
    if (kindOf(original.path) || kindOf(modified.path))
      pairs.set(modified.toString(), { base: original, head: modified });
  }
  return [...pairs.values()];
}

/** A review of documents alone: what is not among them is taken as it is now, on both sides. Needs no version control. */
export class DocumentSource implements ReviewSource {
  private readonly documents: Record<Side, Map<string, vscode.Uri>> = { base: new Map(), head: new Map() };
  /** Folder of the workspace that all of them are in; empty: there is none, and paths are whole. */
  readonly root: string;

  constructor(
    private readonly pairs: readonly DocumentPair[],
    private readonly labels: { base: string; head: string },
    readonly unknowns: string[] = [],
  ) {
    const paths = pairs.flatMap(({ base, head }) => [base, head].flatMap(uri => (uri ? [wholePath(uri)] : [])));
    const folders = (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.path.replace(/\/$/, ''));
    const saved = paths.filter(path => path.startsWith('/'));
    this.root = folders.find(folder => saved.every(path => path.startsWith(`${folder}/`))) ?? '';
    for (const pair of pairs) {
      const paths = this.pathsOf(pair);
      if (pair.base && paths.base !== undefined) this.documents.base.set(paths.base, pair.base);
      if (pair.head && paths.head !== undefined) this.documents.head.set(paths.head, pair.head);
    }
  }

  async changes(): Promise<OpenedChange> {
    const [base, head] = [this.revision('base'), this.revision('head')];
    const changes: FileChange[] = [];
    for (const pair of this.pairs) {
      // Who shows a diff of a file that came or went gives an empty document for the other side.
      const [before, after] = [await textOf(pair.base), await textOf(pair.head)];
      if (before === after) continue;
      const { base: basePath, head: path } = this.pathsOf(pair);
      if (path !== undefined && after !== undefined) {
        if (basePath === undefined || before === undefined) changes.push({ status: 'added', path });
        else changes.push(basePath === path ? { status: 'changed', path } : { status: 'renamed', path, basePath });
      } else if (basePath !== undefined) changes.push({ status: 'deleted', path: basePath });
    }
    return { changes: { base, head, changes } };
  }

  documentOf(side: Side, path: string): vscode.Uri | undefined {
    return this.documents[side].get(path);
  }

  fileOf(uri: vscode.Uri): { side: Side; path: string } | undefined {
    for (const side of ['head', 'base'] as const) {
      for (const [path, document] of this.documents[side]) {
        if (document.toString() === uri.toString()) return { side, path };
      }
    }
    return undefined;
  }

  /** As the review has it: from the root, without a `/` before it. */
  private pathOf(uri: vscode.Uri): string {
    const path = wholePath(uri);
    return (path.startsWith(`${this.root}/`) ? path.slice(this.root.length) : path).replace(/^\/+/, '');
  }

  /** A document that is called otherwise, like one that was never saved, goes by the path of the one that it is compared with. */
  private pathsOf({ base, head }: DocumentPair): { base?: string; head?: string } {
    const known = [head, base].flatMap(uri => (uri ? [this.pathOf(uri)] : [])).find(path => kindOf(path) !== undefined);
    const path = (uri: vscode.Uri) => {
      const own = this.pathOf(uri);
      return kindOf(own) ? own : (known ?? `${own}.runbook.yaml`);
    };
    return { ...(base && { base: path(base) }), ...(head && { head: path(head) }) };
  }

  private revision(side: Side): Revision {
    return {
      name: { label: this.labels[side] },
      read: path => this.read(side, path),
      mentioning: (words, among) => this.mentioning(side, words, among),
    };
  }

  private async read(side: Side, path: string): Promise<FileContent> {
    const documents = this.documents[side];
    const own = documents.get(path);
    // On the other side it is a document with another text, or it would be among these.
    const isOfTheOther = !own && this.documents[side === 'base' ? 'head' : 'base'].has(path) && !this.isRenamed(path);
    if (isOfTheOther) return { kind: 'missing' };
    const [some] = [...documents.values(), ...this.documents.head.values(), ...this.documents.base.values()];
    const uri =
      own ?? (some && (neighbour(some, `${this.root}/${path}`) ?? some.with({ path: `${this.root}/${path}` })));
    if (!uri) return { kind: 'missing' };
    try {
      const text = own ? await textOf(own) : await readText(uri);
      return text === undefined ? { kind: 'missing' } : { kind: 'text', text };
    } catch (error) {
      if (error instanceof vscode.FileSystemError && error.code === 'FileNotFound') return { kind: 'missing' };
      return { kind: 'unreadable', why: error instanceof Error ? error.message : String(error) };
    }
  }

  /** It is compared with a document of another path, which is there on both sides. */
  private isRenamed(path: string): boolean {
    return this.pairs.some(pair => {
      const { base, head } = this.pathsOf(pair);
      return base !== undefined && head !== undefined && base !== head && [base, head].includes(path);
    });
  }

  private async mentioning(
    side: Side,
    words: readonly string[],
    among: 'runbooks' | 'inventories' = 'runbooks',
  ): Promise<string[]> {
    const kind = among === 'runbooks' ? 'runbook' : 'inventory';
    const stored = await vscode.workspace.findFiles(`**/*.${kind}.{yaml,yml}`, undefined, mostLookedThrough);
    const paths = new Set([
      ...stored.map(uri => this.pathOf(uri)),
      ...[...this.documents[side].keys()].filter(path => kindOf(path) === kind),
    ]);
    const found = await Promise.all(
      [...paths].sort().map(async path => {
        const content = await this.read(side, path);
        return content.kind === 'text' && words.some(word => content.text.includes(word)) ? [path] : [];
      }),
    );
    return found.flat();
  }
}

function wholePath(uri: vscode.Uri): string {
  return revisionOf(uri)?.path ?? uri.path;
}

/** undefined: there is no such file on this side. */
async function textOf(uri: vscode.Uri | undefined): Promise<string | undefined> {
  if (!uri) return undefined;
  const text = (await vscode.workspace.openTextDocument(uri)).getText();
  return text === '' ? undefined : text;
}
