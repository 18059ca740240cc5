import { CompletionItemKind } from 'vscode-languageserver-types';
import { markdown, type Proposal } from './proposal';

interface Snippet {
  label: string;
  /** One line for people. */
  text: string;
  /** In the syntax of snippets: `${1:web1}` is filled in, `\${{ }}` stands as it is. */
  body: readonly string[];
}

const e = (expression: string) => `\\\${{ ${expression} }}`;

/** Whole runbooks, for an empty file. */
const runbooks: readonly Snippet[] = [
  {
    label: 'runbook: patch',
    text: 'Patches VMs one after another, each checked before and after; one that fails is put back.',
    body: [
      'version: 1',
      'name: ${1:Patch the web servers}',
      'inventory: ${2:./lab.inventory.yaml}',
      '',
      'inputs:',
      '  vms: { type: vms, default: ${3:group:web}, description: VMs to patch }',
      '',
      'steps:',
      '  - id: each-vm',
      `    forEach: { vm: "${e('inputs.vms')}", batch: 1, canary: 1, maxFailures: 0 }`,
      '    steps:',
      '      - id: before',
      '        uses: check.guest',
      `        with: { vm: "${e('vm')}", agent: true }`,
      '      - id: patch',
      '        uses: guest.patch',
      `        with: { vm: "${e('vm')}" }`,
      '        timeout: 30m',
      '      - id: after',
      '        uses: check.guest',
      `        with: { vm: "${e('vm')}", agent: true, timeout: 120 }`,
    ],
  },
  {
    label: 'runbook: migrate',
    text: 'Moves VMs to another host while they run; when one can not be moved, the others go back.',
    body: [
      'version: 1',
      'name: ${1:Move VMs to another host}',
      'inventory: ${2:./lab.inventory.yaml}',
      '',
      'inputs:',
      '  vms: { type: vms, description: VMs to move }',
      '  target: { type: host, description: Host to move them to }',
      '',
      'steps:',
      '  - id: each-vm',
      `    forEach: { vm: "${e('inputs.vms')}", batch: \${3:1}, canary: 1 }`,
      '    steps:',
      '      - id: move',
      '        uses: vm.migrate',
      `        with: { vm: "${e('vm')}", to: "${e('inputs.target')}" }`,
      '        timeout: 20m',
      '      - uses: check.guest',
      `        with: { vm: "${e('vm')}", agent: true }`,
    ],
  },
  {
    label: 'runbook: back up',
    text: 'Full images of VMs through a proxy, so many at once as the proxy takes.',
    body: [
      'version: 1',
      'name: ${1:Back up the databases}',
      'inventory: ${2:./lab.inventory.yaml}',
      '',
      'inputs:',
      '  vms: { type: vms, default: ${3:group:databases}, description: VMs to back up }',
      '',
      'limits: { perHost: 1, perProxy: 2 }',
      '',
      'steps:',
      '  - id: each-vm',
      `    forEach: { vm: "${e('inputs.vms')}", batch: 4, canary: 1, maxFailures: 1 }`,
      '    steps:',
      '      - id: image',
      '        uses: backup.image',
      `        with: { vm: "${e('vm')}", proxy: \${4:backup1}, quiesce: prefer }`,
      '        timeout: 4h',
    ],
  },
];

/** Steps that belong together, where a step begins. */
const steps: readonly Snippet[] = [
  {
    label: 'steps: snapshot around',
    text: 'A snapshot before, and away with it once what comes between has gone well.',
    body: [
      'id: ${1:before}',
      '  uses: vm.snapshot',
      '  with: { vm: ${2:web1} }',
      '- uses: guest.run',
      '  with: { vm: ${2:web1}, argv: [${3:uptime}], changes: false }',
      '- uses: vm.snapshot.delete',
      `  with: { vm: \${2:web1}, snapshot: "${e('steps.${1:before}.outputs.snapshot')}" }`,
    ],
  },
  {
    label: 'steps: patch and check',
    text: 'Is it well, patch it, is it still well?',
    body: [
      'uses: check.guest',
      '  with: { vm: ${1:web1}, agent: true }',
      '- uses: guest.patch',
      '  with: { vm: ${1:web1} }',
      '  timeout: 30m',
      '- uses: check.guest',
      '  with: { vm: ${1:web1}, agent: true, timeout: 120 }',
    ],
  },
  {
    label: 'steps: one first, then the others',
    text: 'Each item of a list; the first has to go well before the others are begun.',
    body: [
      'id: ${1:each-vm}',
      '  forEach: { ${2:vm}: [${3:web1, web2}], batch: 2, canary: 1, maxFailures: 0 }',
      '  steps:',
      '    - uses: check.guest',
      `      with: { vm: "${e('${2:vm}')}", agent: true }`,
    ],
  },
];

const inventories: readonly Snippet[] = [
  {
    label: 'inventory: libvirt hosts',
    text: 'Hosts that are reached over SSH with your own keys.',
    body: [
      'version: 1',
      'connections:',
      '  ${1:hv1}: { type: libvirt, uri: "qemu+ssh://${2:root@hv1.example.net}/system" }',
      'groups:',
      '  ${3:web}: { vms: [${4:web1}] }',
    ],
  },
  {
    label: 'inventory: simulated lab',
    text: 'Nothing of it is real.',
    body: ['version: 1', 'connections:', '  lab: { type: simulated, lab: ${1:./lab.yaml} }'],
  },
];

export const fileSnippets = (kind: 'runbook' | 'inventory'): Proposal[] =>
  (kind === 'runbook' ? runbooks : inventories).map(snippet => proposal(snippet, ''));

/** `pad`: what the dash of the step stands behind. */
export const stepSnippets = (pad: string): Proposal[] => steps.map(snippet => proposal(snippet, pad));

function proposal({ label, text, body }: Snippet, pad: string): Proposal {
  return {
    label,
    kind: CompletionItemKind.Snippet,
    documentation: markdown(text),
    insert: body.join(`\n${pad}`),
    snippet: true,
    sortText: `3${label}`,
  };
}
