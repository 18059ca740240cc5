import { expect, test } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { workspaceSymbols } from '../../src/editor/workspace-symbols';
import { config, workspace } from './workspace';

const { files } = workspace({
  'a.runbook.yaml':
    '|version: 1\nname: Patch the web servers\ninputs:\n  vms: { type: vms }\nsteps:\n  - id: each\n    forEach: { vm: [] }\n    steps:\n      - id: upgrade\n        uses: guest.patch\n',
  'lab.inventory.yaml': 'connections:\n  hv1: { type: libvirt, uri: "qemu:///system" }\ngroups:\n  web: {}\n',
});
const found = (query: string) =>
  workspaceSymbols(query, files, config).map(({ name, containerName }) => `${name} (${containerName})`);

test('everything that has a name, of every file', () => {
  expect(found('')).toEqual([
    'Patch the web servers (a.runbook.yaml)',
    'vms (a.runbook.yaml)',
    'each (a.runbook.yaml)',
    'upgrade (a.runbook.yaml)',
    'hv1 (lab.inventory.yaml)',
    'web (lab.inventory.yaml)',
  ]);
});
test('by letters that come in this order', () => {
  expect(found('UPG')).toEqual(['upgrade (a.runbook.yaml)']);
  expect(found('pws')).toEqual(['Patch the web servers (a.runbook.yaml)']);
  expect(found('xyz')).toEqual([]);
});
test('as a file is now', () => {
  const at = workspace({ 'a.runbook.yaml': '|name: Before\n' });
  const names = () => workspaceSymbols('', at.files, config).map(({ name }) => name);
  expect(names()).toEqual(['Before']);
  TextDocument.update(at.document, [{ text: 'name: After\n' }], 2);
  expect(names()).toEqual(['After']);
});
