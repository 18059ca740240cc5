/**
 * What a document is, by its path alone, so that `git:`, `pr:`, `review:` and `vscode-vfs:` documents are treated like files. Untitled
 * documents have no such path: for them the language id decides.
 */
export function documentKind(document: { uri: string; languageId: string }): 'runbook' | 'inventory' | undefined {
  const path = document.uri.replace(/[?#].*$/, '').toLowerCase();
  if (/\.runbook\.ya?ml$/.test(path)) return 'runbook';
  if (/\.inventory\.ya?ml$/.test(path)) return 'inventory';
  if (document.languageId === 'virt-runbook') return 'runbook';
  if (document.languageId === 'virt-inventory') return 'inventory';
  return undefined;
}

/** Name of the document's file, whatever its scheme. */
export function fileName(document: { uri: string }): string {
  const name =
    document.uri
      .replace(/[?#].*$/, '')
      .split('/')
      .at(-1) ?? '';
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
