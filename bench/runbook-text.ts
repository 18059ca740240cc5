/**
 * A runbook of about `lines` lines as people write them: inputs, loops over VMs, conditions, retries, commands, and outputs of
 * earlier steps read in expressions. It has no mistakes.
 */
export function runbookText(lines: number): string {
  const text = [...head];
  for (let part = 1; text.length < lines; part++) text.push(...block(part));
  return `${text.join('\n')}\n`;
}

/** The inventory that the runbook names. */
export const inventoryText = `version: 1
connections:
${[1, 2, 3, 4].map(n => `  hv${n}: { type: libvirt, uri: "qemu+ssh://root@hv${n}/system", tags: [edge] }`).join('\n')}
groups:
  edge: { hosts: [hv1, hv2, hv3, hv4] }
proxies:
  px1: { ssh: root@backup1, directory: /var/lib/virtbook/backups }
vms:
${Array.from({ length: 100 }, (_, n) => `  web${n + 1}: { owner: web-team, tags: [web], ssh: root@web${n + 1} }`).join('\n')}
`;

const head = [
  'version: 1',
  'name: Maintenance of the edge cluster',
  'description: Patches every VM, looks after it, and moves it.',
  'inventory: ./lab.inventory.yaml',
  'inputs:',
  '  vms: { type: vms, default: [web1, web2, web3] }',
  '  target: { type: host, default: hv2 }',
  '  package: { type: string, default: nginx }',
  '  move: { type: boolean, default: true }',
  'steps:',
];

const block = (part: number): string[] => {
  const vm = `web${(part % 100) + 1}`;
  return `
  # Part ${part}: ${vm} first, then the others in pairs.
  - id: snapshot-${part}
    uses: vm.snapshot
    with:
      vm: ${vm}
      name: before-${part}
      quiesce: prefer
    timeout: 5m
  - id: look-${part}
    name: "What runs on ${vm}, part ${part}"
    uses: guest.run
    with:
      vm: ${vm}
      argv: [systemctl, is-active, "\${{ inputs.package }}"]
      changes: false
    retry: { attempts: 3, delay: 10s }
  - id: each-${part}
    forEach: { vm: "\${{ inputs.vms }}", batch: 2, maxFailures: 1 }
    steps:
      - id: patch-${part}
        when: \${{ steps["look-${part}"].outputs.code == 0 }}
        uses: guest.patch
        with:
          vm: "\${{ vm }}"
          packages: ["\${{ inputs.package }}"]
        timeout: 30m
      - id: check-${part}
        uses: check.guest
        with:
          vm: "\${{ vm }}"
          agent: true
          tcp: { port: 80 }
  - id: drop-${part}
    uses: vm.snapshot.delete
    with: { vm: ${vm}, snapshot: before-${part} }
  - id: move-${part}
    when: \${{ inputs.move }}
    uses: vm.migrate
    with:
      vm: ${vm}
      to: "\${{ inputs.target }}"
    rollback: none`.split('\n');
};
