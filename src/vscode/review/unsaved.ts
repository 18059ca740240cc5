import * as vscode from 'vscode';

import { kindOf } from '../../review/repository-path';
import type { ChangeSet, FileChange } from '../../review/revision';

/** The change with what is in editors and not saved yet: a person reviews what they see. `root`: of the repository. */
export async function withUnsaved(changes: ChangeSet, root: vscode.Uri): Promise<ChangeSet> {
  const folder = `${root.path.replace(/\/$/, '')}/`;
  const unsaved = new Map<string, string>();
  for (const document of vscode.workspace.textDocuments) {
    const { uri, isDirty } = document;
    if (isDirty && kindOf(uri.path) !== undefined && uri.scheme === root.scheme && uri.path.startsWith(folder))
      unsaved.set(uri.path.slice(folder.length), document.getText());
  }
  if (unsaved.size === 0) return changes;
  const known = new Set(changes.changes.map(({ path }) => path));
  const more: FileChange[] = [];
  for (const path of [...unsaved.keys()].filter(path => !known.has(path))) {
    const before = await changes.base.read(path);
    more.push({ status: before.kind === 'missing' ? 'added' : 'changed', path });
  }
  const { head } = changes;
  return {
    base: changes.base,
    head: {
      name: { label: vscode.l10n.t('{0}, with what is not saved', head.name.label) },
      read: async path => {
        const text = unsaved.get(path);
        return text === undefined ? head.read(path) : { kind: 'text', text };
      },
      mentioning: async (words, among = 'runbooks') => {
        const found = new Set((await head.mentioning(words, among)).filter(path => !unsaved.has(path)));
        for (const [path, text] of unsaved) {
          if (`${kindOf(path)}s` === among && words.some(word => text.includes(word))) found.add(path);
        }
        return [...found].sort();
      },
    },
    changes: [...changes.changes, ...more],
  };
}
