/** A runbook of about this many lines, free of problems, with what real ones have: loops, expressions, flow and block style. */
export function bigRunbook(lines: number): string {
  const parts = [
    'version: 1',
    'name: A big runbook',
    'description: Made for measuring',
    'inputs:',
    '  vms: { type: vms, default: [web1, web2] }',
    '  target: { type: host, default: hv2 }',
    '  retries: { type: number, default: 2 }',
    'steps:',
  ];
  for (let count = parts.length, block = 0; count < lines; block++) {
    const made = stepBlock(block);
    parts.push(...made);
    count += made.length;
  }
  return `${parts.join('\n')}\n`;
}

function stepBlock(n: number): string[] {
  return [
    `  # Part ${n}: snapshot, patch, check, move on`,
    `  - id: each-${n}`,
    `    name: Patch group ${n}`,
    '    forEach: { vm: "${{ inputs.vms }}", batch: 2, maxFailures: 1 }',
    '    steps:',
    `      - id: before-${n}`,
    '        uses: vm.snapshot',
    '        with:',
    '          vm: ${{ vm }}',
    `          name: before-${n}`,
    '          quiesce: prefer',
    `      - id: patch-${n}`,
    '        name: "Patch ${{ vm }}"',
    '        uses: guest.patch',
    '        with: { vm: "${{ vm }}" }',
    '        timeout: 30m',
    `      - id: restart-${n}`,
    `        when: \${{ steps['patch-${n}'].outputs.rebootRequired && inputs.retries > 1 }}`,
    '        uses: guest.run',
    '        with:',
    '          vm: ${{ vm }}',
    '          argv:',
    '            - systemctl',
    '            - restart',
    `            - "service-\${{ index + ${n} }}"`,
    '        timeout: 1m30s',
    '        rollback: none',
    `  - id: move-${n}`,
    '    uses: vm.migrate',
    '    with:',
    `      vm: web${n}`,
    '      to: ${{ inputs.target }}',
    '    rollback: none',
    '  - parallel:',
    `      - id: left-${n}`,
    '        uses: check.guest',
    '        with: { vm: web1, agent: true }',
    '      - steps:',
    `          - assert: steps['move-${n}'].outputs.to != ""`,
    '            message: ${{ inputs.target }} has it',
    `          - id: called-${n}`,
    '            uses: ./part.runbook.yaml',
    '            with: { vm: "${{ inputs.vms[0] }}" }',
  ];
}
