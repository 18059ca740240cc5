import * as vscode from 'vscode';
import { inGit, isRevision } from './revisionUri';

/**
 * What the editor shows of it, if it is open, else what is stored.
 * @throws vscode.FileSystemError `FileNotFound`, also of a version of a file that nobody can give
 */
export async function readText(uri: vscode.Uri): Promise<string> {
  return (await readWhereItIs(uri)).text;
}

/** The same, and where it was found: a file that a pull request does not change is in its commit alone. */
export async function readWhereItIs(uri: vscode.Uri): Promise<{ uri: vscode.Uri; text: string }> {
  const open = vscode.workspace.textDocuments.find(document => document.uri.toString() === uri.toString());
  if (open) return { uri, text: open.getText() };
  if (!isRevision(uri)) return { uri, text: await stored(uri) };
  // Of a file that it does not have, the one who provides a version gives nothing at all, or an error of any kind.
  const given = await stored(uri).catch(() => '');
  if (given !== '') return { uri, text: given };
  const elsewhere = inGit(uri);
  const commit = elsewhere && uri.with(elsewhere);
  const text = commit && (await stored(commit).catch(() => ''));
  if (!text) throw vscode.FileSystemError.FileNotFound(uri);
  return { uri: commit, text };
}

async function stored(uri: vscode.Uri): Promise<string> {
  // Some schemes have no file system, only documents.
  if (uri.scheme !== 'file' && vscode.workspace.fs.isWritableFileSystem(uri.scheme) === undefined)
    return (await vscode.workspace.openTextDocument(uri)).getText();
  return new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
}
