import { describe, expect, test } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { CompletionItemKind } from 'vscode-languageserver-types';
import { actions } from '../../src/actions/catalogue';
import { complete } from '../../src/editor/complete';
import { validate } from '../../src/editor/validate';
import { withCursor } from './cursor';

const snippetsAt = (sample: string, name?: string) => {
  const { document, offset } = withCursor(sample, name);
  return complete(document, offset, { actions }).filter(item => item.kind === CompletionItemKind.Snippet);
};

/** The text after it was taken, with what its places say in them. */
function taken(sample: string, label: string, name?: string): TextDocument {
  const { document } = withCursor(sample, name);
  const item = snippetsAt(sample, name).find(found => found.label === label);
  if (!item?.textEdit || !('range' in item.textEdit)) throw new Error(`${label} is not offered`);
  const newText = item.textEdit.newText.replace(/(?<!\\)\$\{\d+:([^}]*)\}/g, '$1').replaceAll('\\$', '$');
  return TextDocument.create(document.uri, '', 2, TextDocument.applyEdits(document, [{ ...item.textEdit, newText }]));
}

const head = 'version: 1\nname: x\n';
const labels = (sample: string, name?: string) => snippetsAt(sample, name).map(item => item.label);

describe('snippets', () => {
  test('of an empty file: whole runbooks and inventories', () => {
    expect(labels('|')).toEqual(['runbook: patch', 'runbook: migrate', 'runbook: back up']);
    expect(labels('|', 'a.inventory.yaml')).toEqual(['inventory: libvirt hosts', 'inventory: simulated lab']);
    expect(labels('version: 1\n|')).toEqual([]);
  });
  test('of a new step: steps that belong together', () => {
    expect(labels(`${head}steps:\n  - |`)).toHaveLength(3);
    expect(labels(`${head}steps:\n  - uses: vm.start\n    |`)).toEqual([]);
    expect(labels(`${head}steps: [{ |`)).toEqual([]);
  });
  test.each([
    ...labels('|').map(label => ['|', label, 'a.runbook.yaml'] as const),
    ...labels('|', 'a.inventory.yaml').map(label => ['|', label, 'a.inventory.yaml'] as const),
    ...labels(`${head}steps:\n  - |`).map(label => [`${head}steps:\n  - |`, label, 'a.runbook.yaml'] as const),
    ...labels(`${head}steps:\n- |`).map(label => [`${head}steps:\n- |`, label, 'a.runbook.yaml'] as const),
  ])('%s %s can be used as it is', (sample, label, name) => {
    const document = taken(sample, label, name);
    expect(validate(document, { actions }), document.getText()).toEqual([]);
  });
});
