import { expect, test } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { documentLinks } from '../../src/editor/links';
import { config } from './workspace';

function links(text: string, uri = 'file:///w/a.runbook.yaml'): string[] {
  const document = TextDocument.create(uri, '', 1, text);
  const resolve = (from: string, path: string) => (from.startsWith('untitled:') ? undefined : new URL(path, from).href);
  return documentLinks(document, config, resolve).map(({ range, target }) => `${document.getText(range)} -> ${target}`);
}

const text = `version: 1
name: x # see https://example.com/a?b=c#d.
description: It is said (at http://example.com/x_(y)), and more.
inventory: "../lab.inventory.yaml"
steps:
  - uses: ./parts/one.runbook.yaml
  - uses: vm.start
`;

test('files that are named, and addresses in comments and texts', () => {
  expect(links(text)).toEqual([
    '../lab.inventory.yaml -> file:///lab.inventory.yaml',
    './parts/one.runbook.yaml -> file:///w/parts/one.runbook.yaml',
    'https://example.com/a?b=c#d -> https://example.com/a?b=c#d',
    'http://example.com/x_(y) -> http://example.com/x_(y)',
  ]);
});
test('labs and SSH configurations of an inventory', () => {
  const inventory = `connections:
  a: { type: simulated, lab: './lab/demo.lab.yaml' }
  b: { type: libvirt, uri: "qemu:///system", sshConfig: ssh.conf }
vms:
  web1: { sshConfig: ~/.ssh/other }
`;
  expect(links(inventory, 'vscode-vfs://github/o/r/lab.inventory.yaml')).toEqual([
    './lab/demo.lab.yaml -> vscode-vfs://github/o/r/lab/demo.lab.yaml',
    'ssh.conf -> vscode-vfs://github/o/r/ssh.conf',
  ]);
});
test('none to files where a scheme has none, none in other YAML, none for what is no address', () => {
  expect(links(text, 'untitled:a.runbook.yaml')).toHaveLength(2);
  expect(links(text, 'file:///a.yaml')).toEqual([]);
  expect(links('name: http:// and https://[x and http://')).toEqual([]);
});
