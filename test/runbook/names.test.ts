import { describe, expect, test } from 'vitest';
import { parseInventory } from '../../src/inventory/file';
import { knownNames } from '../../src/inventory/names';
import { codes, runbook, squiggles } from './marked';

const { inventory } = parseInventory(`
version: 1
connections:
  hv1: { type: libvirt, uri: "qemu+ssh://root@hv1/system", tags: [edge] }
  hv2: { type: libvirt, uri: "qemu+ssh://root@hv2/system" }
groups:
  web: { vms: [web1] }
proxies:
  backup1: { ssh: root@backup1, directory: /srv }
vms:
  web1: { tags: [shop] }
`);
const known = knownNames(inventory!);
const asked = knownNames(inventory!, {
  vms: ['web1', 'web2'],
  capabilities: { hv1: new Set(['power']), hv2: new Set() },
});

describe('names of the inventory', () => {
  const steps =
    '  - uses: vm.migrate\n    with: { vm: web9, to: hv3 }\n  - uses: backup.image\n    with: { vm: web1, proxy: backup }';
  test('hosts and proxies are known from the file; VMs are not', () => {
    expect(squiggles(runbook(steps), known)).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      steps:
        - uses: vm.migrate
          with: { vm: web9, to: hv3 }
                                ^^^ unknown-host: The inventory has no host \`hv3\`. Did you mean \`hv1\` or \`hv2\`?
        - uses: backup.image
          with: { vm: web1, proxy: backup }
                                   ^^^^^^ unknown-proxy: The inventory has no proxy \`backup\`. Did you mean \`backup1\`?"
    `);
  });
  test('VMs are, once every connection has been asked', () => {
    expect(codes(runbook('  - uses: vm.start\n    with: { vm: web9 }'), asked)).toEqual(['unknown-vm']);
    expect(codes(runbook('  - uses: vm.start\n    with: { vm: web2 }'), asked)).toEqual([]);
    expect(codes(runbook('  - uses: vm.start\n    with: { vm: 6f9619ff-8b86-d011-b42d-00c04fc964ff }'), asked)).toEqual(
      [],
    );
  });
  test('without an inventory nothing is doubted', () => {
    expect(codes(runbook(steps))).toEqual([]);
  });
  test('a simulated lab that has not been looked at leaves hosts open', () => {
    const { inventory: lab } = parseInventory('version: 1\nconnections:\n  lab: { type: simulated, lab: a.yaml }\n');
    expect(codes(runbook('  - uses: vm.migrate\n    with: { vm: a, to: b }'), knownNames(lab!))).toEqual([]);
    expect(
      codes(runbook('  - uses: vm.migrate\n    with: { vm: a, to: b }'), knownNames(lab!, { hosts: { lab: ['hv1'] } })),
    ).toEqual(['unknown-host']);
  });
  test('groups and tags, in the defaults of inputs', () => {
    const inputs = `inputs:
  a: { type: vms, default: "group:wbe" }
  b: { type: vms, default: ["tag:shop", "tag:stop"] }
  c: { type: hosts, default: "tag:edge" }
  d: { type: host, default: hv9 }
`;
    const use =
      '  - uses: guest.run\n    with: { vm: a, argv: ["${{ inputs.a[0] + inputs.b[0] + inputs.c[0] + inputs.d }}"] }';
    expect(squiggles(runbook(use, inputs), known)).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      inputs:
        a: { type: vms, default: "group:wbe" }
                                 ^^^^^^^^^^^ unknown-group: The inventory has no group \`wbe\`. Did you mean \`group:web\`?
        b: { type: vms, default: ["tag:shop", "tag:stop"] }
                                              ^^^^^^^^^^ unknown-tag: The inventory has no VM with the tag \`stop\`. Did you mean \`tag:shop\`?
        c: { type: hosts, default: "tag:edge" }
        d: { type: host, default: hv9 }
                                  ^^^ unknown-host: The inventory has no host \`hv9\`. Did you mean \`hv1\` or \`hv2\`?
      steps:
        - uses: guest.run
          with: { vm: a, argv: ["\${{ inputs.a[0] + inputs.b[0] + inputs.c[0] + inputs.d }}"] }"
    `);
  });
  test('what the target can not do', () => {
    expect(squiggles(runbook('  - uses: vm.migrate\n    with: { vm: web1, to: hv2 }'), asked)).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      steps:
        - uses: vm.migrate
          with: { vm: web1, to: hv2 }
                                ^^^ capability-missing: \`vm.migrate\` needs \`migrate.live\`, which the hypervisor of \`hv2\` does not offer."
    `);
    expect(codes(runbook('  - uses: vm.migrate\n    with: { vm: web1, to: hv2 }'), known)).toEqual([]);
  });
});
