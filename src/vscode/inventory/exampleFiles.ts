/** What *Create Inventory* and *New Runbook* write. test/extension/exampleFiles.test.ts checks that they have no mistakes. */

export const exampleLab = `# A simulated lab: two hosts, one shared datastore, three VMs. Nothing of it is real.
version: 1
clock: 2026-01-03T22:00:00Z
hosts:
  hv1: { cpus: 16, memoryMiB: 32768 }
  hv2: { cpus: 16, memoryMiB: 32768 }
datastores:
  shared: { capacityGiB: 1000, hosts: [hv1, hv2] }
repositories:
  bookworm:
    openssl: [3.0.15-1~deb12u1, 3.0.17-1~deb12u2]
vms:
  web1:
    host: hv1
    state: running
    vcpus: 2
    memoryMiB: 4096
    disks: [{ datastore: shared, capacityGiB: 20, allocatedGiB: 7 }]
    guest: { agent: running, repository: bookworm, packages: { openssl: 3.0.15-1~deb12u1 } }
  web2:
    host: hv2
    state: running
    vcpus: 2
    memoryMiB: 4096
    disks: [{ datastore: shared, capacityGiB: 20, allocatedGiB: 7 }]
    guest: { agent: running, repository: bookworm, packages: { openssl: 3.0.15-1~deb12u1 } }
  db1:
    host: hv1
    state: running
    vcpus: 4
    memoryMiB: 8192
    disks: [{ datastore: shared, capacityGiB: 100, allocatedGiB: 60 }]
    guest: { agent: running }
`;

export const exampleInventory = `# Connections whose hosts and VMs are looked after from here.
version: 1
connections:
  lab: { type: simulated, lab: ./lab.yaml }
  # A real host, over SSH with your own keys and known_hosts:
  # hv1: { type: libvirt, uri: "qemu+ssh://root@hv1.example.net/system" }
groups:
  web: { vms: [web1, web2] }
`;

/** The walkthrough's runbook: one word of it is wrong, and once that is right it runs on the lab above. */
export const exampleToFix = `# One word here is wrong: it is underlined. Click it and press Ctrl+. (on a Mac Cmd+.) for what it should be.
version: 1
name: Patch the web servers
inventory: ./lab.inventory.yaml
inputs:
  vms: { type: vms, default: "group:web", description: VMs to patch }
steps:
  - id: each-vm
    forEach: { vm: "\${{ inputs.vms }}", batch: 1 }
    steps:
      - id: safety
        uses: vm.snapshoot
        with: { vm: "\${{ vm }}", name: before-patch }
      - id: patch
        uses: guest.patch
        with: { vm: "\${{ vm }}", packages: [openssl] }
      - id: check
        uses: check.guest
        with: { vm: "\${{ vm }}", agent: true }
      - uses: vm.snapshot.delete
        with: { vm: "\${{ vm }}", snapshot: before-patch }
`;

export function exampleRunbook(name: string, inventory: string | undefined): string {
  const lines = [
    'version: 1',
    `name: ${JSON.stringify(name)}`,
    ...(inventory === undefined ? [] : [`inventory: ${JSON.stringify(inventory)}`]),
    'inputs:',
    '  vms: { type: vms, description: VMs to work on }',
    'steps:',
    '  - id: each-vm',
    '    forEach: { vm: "${{ inputs.vms }}", batch: 1 }',
    '    steps:',
    '      - uses: vm.snapshot',
    '        with: { vm: "${{ vm }}", name: before-maintenance }',
    '      - uses: guest.run',
    '        with: { vm: "${{ vm }}", argv: [uptime], changes: false }',
    '      - uses: vm.snapshot.delete',
    '        with: { vm: "${{ vm }}", snapshot: before-maintenance }',
    '',
  ];
  return lines.join('\n');
}
