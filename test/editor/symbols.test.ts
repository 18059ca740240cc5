import { expect, test } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { DocumentSymbol } from 'vscode-languageserver-types';
import { symbols } from '../../src/editor/symbols';

function outline(text: string, name: string): string {
  const document = TextDocument.create(`file:///${name}`, '', 1, text);
  const show = (found: DocumentSymbol[], indent: string): string =>
    found
      .map(({ name, detail, selectionRange, children }) => {
        const selected = document.getText(selectionRange);
        return `${indent}${name}${detail ? ` (${detail})` : ''} [${selected}]\n${show(children ?? [], `${indent}  `)}`;
      })
      .join('');
  return show(symbols(document), '');
}

test('outline of a runbook', () => {
  const text = `version: 1
name: x
inputs:
  vms: { type: vms }
steps:
  - id: each
    forEach: { vm: "\${{ inputs.vms }}" }
    steps:
      - name: Start it
        uses: vm.start
        with: { vm: a }
        rollback:
          - uses: vm.shutdown
`;
  expect(outline(text, 'a.runbook.yaml')).toBe(`inputs [inputs]
  vms (vms) [vms]
steps [steps]
  each (for each vm) [id: each]
    Start it (vm.start) [name: Start it]
      vm.shutdown (vm.shutdown) [uses: vm.shutdown]
`);
});
test('outline of every kind of step, and finally', () => {
  const text = `version: 1
name: x
steps:
  - approve: { by: 2 }
  - id: pause
    wait: 5m
  - uses: ./other.runbook.yaml
  - id: both
    parallel:
      - assert: true
      - steps:
          - wait: 1m
  - pointOfNoReturn: Why
finally:
  - uses: vm.start
`;
  expect(outline(text, 'a.runbook.yaml')).toBe(`steps [steps]
  approve (approve) [approve: { by: 2 }]
  pause (wait 5m) [id: pause]
  ./other.runbook.yaml (./other.runbook.yaml) [uses: ./other.runbook.yaml]
  both (parallel) [id: both]
    assert (assert) [assert: true]
    steps [steps:]
      wait (wait 1m) [wait: 1m]
  pointOfNoReturn (pointOfNoReturn) [pointOfNoReturn: Why]
finally [finally]
  vm.start (vm.start) [uses: vm.start]
`);
});
test('what a runbook gives', () => {
  const text = 'steps:\n  - wait: 1m\noutputs:\n  count: 3\n';
  expect(outline(text, 'a.runbook.yaml')).toBe(
    'outputs [outputs]\n  count [count]\nsteps [steps]\n  wait (wait 1m) [wait: 1m]\n',
  );
});
test('outline of an inventory, in its order, half-typed entries too', () => {
  const text = `vms:
  web1: { owner: shop }
  web2:
connections:
  hv1: { type: libvirt, uri: "qemu:///system" }
  hv2: { typ
`;
  expect(outline(text, 'a.inventory.yaml')).toBe(
    'vms [vms]\n  web1 (shop) [web1]\n  web2 [web2]\nconnections [connections]\n  hv1 (libvirt) [hv1]\n  hv2 [hv2]\n',
  );
  const groups = 'groups:\n  web: { vms: [a, b], hosts: [c] }\nproxies:\n  "b/1": { ssh: root@b, directory: / }\n';
  expect(outline(groups, 'a.inventory.yaml')).toBe(
    'groups [groups]\n  web (1 host, 2 VMs) [web]\nproxies [proxies]\n  b/1 (root@b) ["b/1"]\n',
  );
});
