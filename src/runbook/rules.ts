import type { Diagnostic, Severity, SourceRange } from './diagnostic';

/** Everything the checks may say, in one place: `docs/rules.md` is made from it. Codes are stable: files name them to suppress. */
export interface Rule {
  severity: Severity;
  /** One sentence: what the rule finds. */
  summary: string;
  /** Why it matters and what to do, in Markdown. */
  docs: string;
  /** Steps, or parts of a runbook, in which this and nothing else is found, e.g. in the example inventory. */
  bad?: string;
  /** The same, put right. */
  good?: string;
}

export const rules = {
  'yaml-syntax': {
    severity: 'error',
    summary: 'The text is not valid YAML 1.2.',
    docs: 'Fix the indentation, quotes or brackets where it is underlined.',
  },
  'multi-document': {
    severity: 'error',
    summary: 'More than one YAML document in a file.',
    docs: 'A file holds one runbook or one inventory. Move what follows `---` into a file of its own.',
  },
  'duplicate-key': {
    severity: 'error',
    summary: 'A key stands twice in one map.',
    docs: 'YAML would silently take one of them. Remove or rename the other.',
  },
  'key-not-string': {
    severity: 'error',
    summary: 'A key is not a string.',
    docs: 'Keys such as `1`, `true` or `[a]` are not strings in YAML. Quote them.',
  },
  'merge-key': {
    severity: 'error',
    summary: 'A merge key (`<<`).',
    docs: 'YAML 1.2 has no merge keys. Use an alias for a whole value, or write the keys out.',
  },
  'alias-bomb': {
    severity: 'error',
    summary: 'Aliases make the document endless or far too large.',
    docs: 'An alias inside its own anchor, or aliases of aliases, would never end. Write out what is meant.',
  },
  'too-deep': { severity: 'error', summary: 'Nested far too deep.', docs: 'Nothing in a runbook nests this deep.' },
  'file-too-large': { severity: 'error', summary: 'The file is too large to be read.', docs: 'Split it.' },
  'not-text': { severity: 'error', summary: 'The file is not UTF-8 text.', docs: 'Save it as UTF-8.' },
  'not-json': {
    severity: 'error',
    summary: 'A number that is not finite.',
    docs: '`.inf` and `.nan` have no meaning in a runbook.',
  },
  'empty-file': {
    severity: 'error',
    summary: 'There is nothing in the file yet.',
    docs: 'A runbook starts with `version: 1`, `name:` and `steps:`; an inventory with `version: 1` and `connections:`.',
  },
  'wrong-version': {
    severity: 'error',
    summary: 'A version this Virtbook does not know.',
    docs: 'This Virtbook reads `version: 1`.',
  },
  'missing-key': { severity: 'error', summary: 'A key that is needed is missing.', docs: 'Add it.' },
  'unknown-key': {
    severity: 'error',
    summary: 'A key that means nothing here.',
    docs: 'It would be ignored, which is never what was meant. Correct or remove it.',
  },
  'wrong-type': {
    severity: 'error',
    summary: 'A value of another type than the one needed.',
    docs: 'The message says what is expected and what was found.',
  },
  'wrong-value': {
    severity: 'error',
    summary: 'A value that is not allowed here.',
    docs: 'The message says which values are.',
  },
  'unknown-action': { severity: 'error', summary: '`uses` names no action.', docs: 'See the list of actions.' },
  'bad-id': {
    severity: 'error',
    summary: 'An id that can not be named in an expression.',
    docs: 'Ids are letters, digits, `_` and `-`, and start with a letter.',
  },
  'bad-duration': {
    severity: 'error',
    summary: 'Not a duration.',
    docs: 'Write a number and a unit: `10s`, `5m`, `2h`, `1d`; or several: `1h30m`.',
  },
  'duplicate-id': {
    severity: 'error',
    summary: 'Two steps have one id.',
    docs: 'Outputs are read by id, so each may be given once.',
  },
  'reserved-name': {
    severity: 'error',
    summary: 'A loop variable named like something expressions have already.',
    docs: 'Rename it.',
  },
  'expression-syntax': {
    severity: 'error',
    summary: 'An expression that is not CEL.',
    docs: 'Expressions are [CEL](https://cel.dev): `inputs.count > 2 && "edge" in inputs.tags`.',
  },
  'expression-type': {
    severity: 'error',
    summary: 'An expression whose types do not fit.',
    docs: 'For example a number added to a string: convert it with `string(…)` or `int(…)`.',
  },
  'expression-not-allowed': {
    severity: 'error',
    summary: 'A `${{ }}` where none is evaluated.',
    docs: 'Expressions stand in `outputs`, and of a step in `with`, `when`, `name`, the list of `forEach`, `wait`, `assert`, `message` and `pointOfNoReturn`.',
  },
  'expression-too-costly': {
    severity: 'error',
    summary: 'An expression that could take very long.',
    docs: 'Loops inside loops inside loops. Split it.',
  },
  'unknown-name': {
    severity: 'error',
    summary: 'An expression names something that does not exist.',
    docs: 'There are `inputs`, `steps`, `run`, and inside `forEach` the loop variable and `index`.',
  },
  'unknown-input': {
    severity: 'error',
    summary: 'An input that the runbook does not have.',
    docs: 'Declare it under `inputs`, or correct the name.',
  },
  'unknown-step': {
    severity: 'error',
    summary: 'A step that does not exist.',
    docs: 'Give the step an `id`, or correct the name.',
  },
  'unknown-output': {
    severity: 'error',
    summary: 'An output that the step does not have.',
    docs: 'See the outputs of its action.',
  },
  'use-before-definition': {
    severity: 'error',
    summary: 'The outputs of a step that has not run yet.',
    docs: 'Steps run from top to bottom: move the step up, or the use down.',
  },
  'out-of-scope': {
    severity: 'error',
    summary: 'A step inside a `forEach` named from outside it, or one in another branch of a `parallel`.',
    docs: 'Inside a `forEach` it ran once per item: read `steps.EACH.outputs[item].STEP` instead. Branches of one `parallel` run side by side, so none can use what another gives; below the `parallel` all are seen.',
  },
  'unsure-output': {
    severity: 'warning',
    summary: 'In `finally`: an output of a step that may not have run.',
    docs: `\`finally\` runs whatever became of the steps, so it has to do without their outputs. For a step that did not run they are \`{}\`:

\`\`\`yaml
steps:
  - id: patch
    uses: guest.patch
    with: { vm: web1 }
finally:
  - name: Upgraded \${{ size(steps.patch.outputs.?upgraded.orValue([])) }} packages
    uses: check.guest
    with: { vm: web1, agent: true }
\`\`\``,
  },
  'inventory-not-found': {
    severity: 'error',
    summary: '`inventory:` names a file that does not exist.',
    docs: 'Without it nothing can be planned. The path is relative to the file it stands in: `inventory: ../prod.inventory.yaml`.',
  },
  'call-not-found': {
    severity: 'error',
    summary: '`uses` names a runbook that does not exist.',
    docs: 'The path is relative to the file it stands in and begins with `./` or `../`: `uses: ./parts/drain.runbook.yaml`.',
  },
  'call-cycle': {
    severity: 'error',
    summary: 'A runbook that calls itself, directly or through others.',
    docs: 'It would never end. The message names the chain: `a.runbook.yaml` → `b.runbook.yaml` → `a.runbook.yaml`. Take one of these calls out, or use `forEach`.',
  },
  'call-broken': {
    severity: 'error',
    summary: 'A called runbook that has errors itself.',
    docs: 'The message says file, line and error; open that file and correct it there. Calls more than 16 deep are refused too.',
  },
  'misplaced-no-return': {
    severity: 'error',
    summary: 'A `pointOfNoReturn` that does not stand in the outermost `steps`.',
    docs: `It ends the undo of the whole run, so it can't be part of an item, a branch, a group, a called runbook, \`rollback\` or \`finally\`:

\`\`\`yaml
steps:
  - uses: check.guest
    with: { vm: web1, agent: true }
  - pointOfNoReturn: The old snapshots are deleted now.
  - uses: vm.snapshot.delete
    with: { vm: web1, snapshot: old }
\`\`\``,
  },
  'secret-misused': {
    severity: 'error',
    summary: 'A secret where it would be shown, or could not be struck from logs.',
    docs: `A secret may stand in \`with\` only, as it is or joined to other text, and be given only to a \`secret\` of a called runbook. Everything else is shown to people, or makes something of it that nobody would recognise:

\`\`\`yaml
inputs:
  token: { type: secret }
steps:
  - uses: guest.run
    with: { vm: web1, argv: [agent, enroll, "--token=\${{ inputs.token }}"] }
\`\`\``,
  },
  'secret-default': {
    severity: 'error',
    summary: 'A secret with a `default` or an `enum`.',
    docs: 'What stands in the file is no secret. Leave it out: it is taken from the environment variable `VIRTBOOK_SECRET_NAME`, or what `env` names, or asked for.',
  },
  'bad-window': {
    severity: 'error',
    summary: 'A `window` that says no days, hours or zone.',
    docs: `Days and hours, and the zone in which they hold:

\`\`\`yaml
window:
  allow: [Sat 22:00-04:00, "Mon-Fri 20:00-23:30"]
  zone: Europe/London
\`\`\``,
  },
  'pointless-canary': {
    severity: 'info',
    summary: 'A `canary` that takes in every item.',
    docs: 'Then no item is left to wait for them. Choose a smaller `canary`, or leave it out.',
  },
  'unknown-host': {
    severity: 'error',
    summary: 'A host that the inventory does not have.',
    docs: 'Add it to the inventory, or correct the name.',
  },
  'unknown-vm': {
    severity: 'error',
    summary: 'A VM that the inventory does not have.',
    docs: 'Only reported when the list of VMs is known to be complete.',
  },
  'unknown-group': {
    severity: 'error',
    summary: 'A group that the inventory does not have.',
    docs: 'Add it under `groups`, or correct the name.',
  },
  'unknown-tag': {
    severity: 'error',
    summary: 'A tag that nothing in the inventory carries.',
    docs: 'Nothing would be selected.',
  },
  'unknown-proxy': {
    severity: 'error',
    summary: 'A proxy that the inventory does not have.',
    docs: 'Add it under `proxies`, or correct the name.',
  },
  'unknown-datastore': {
    severity: 'error',
    summary: 'A datastore that does not exist.',
    docs: 'Only reported when the list of datastores is known to be complete.',
  },
  'capability-missing': {
    severity: 'error',
    summary: 'The target can not do what the action needs.',
    docs: 'See the table of hypervisors and capabilities.',
  },
  'retry-not-idempotent': {
    severity: 'warning',
    summary: '`retry` on an action that does more when it is run twice.',
    docs: 'A retry repeats the step after a failure. Leave it out, or make sure that repeating does no harm.',
  },
  'migrate-with-snapshot': {
    severity: 'warning',
    summary: 'A migration of a VM that still has a snapshot which an earlier step took.',
    docs: 'libvirt refuses to migrate a VM that has snapshots, so the run gets as far as that and goes back. A snapshot of `vm.snapshot` is there until it is deleted, one that an action takes for its own undo until the run has succeeded or has come to a `pointOfNoReturn`.',
    bad: `- uses: vm.snapshot
  with: { vm: web1, name: before-move }
- uses: vm.migrate
  with: { vm: web1, to: hv2 }`,
    good: `- uses: vm.migrate
  with: { vm: web1, to: hv2 }
- uses: vm.snapshot
  with: { vm: web1, name: after-move }`,
  },
  'snapshot-exists': {
    severity: 'error',
    summary: 'A second snapshot of one name of the same VM.',
    docs: 'A VM has no two snapshots of one name, so the second step fails whenever the first one did not. Name it otherwise, or leave `name` out: then one is made up.',
    bad: `- uses: vm.snapshot
  with: { vm: web1, name: before }
- uses: vm.snapshot
  with: { vm: web1, name: before }`,
    good: `- uses: vm.snapshot
  with: { vm: web1, name: before-patch }
- uses: vm.snapshot
  with: { vm: web1, name: before-reboot }`,
  },
  'snapshot-gone': {
    severity: 'error',
    summary: 'A step that needs a snapshot which an earlier step has deleted.',
    docs: 'It fails when the run comes to it. Where it does not matter whether the snapshot is there, say `missing: ignore`.',
    bad: `- uses: vm.snapshot.delete
  with: { vm: web1, snapshot: old }
  rollback: none
- uses: vm.revert
  with: { vm: web1, snapshot: old }`,
    good: `- uses: vm.revert
  with: { vm: web1, snapshot: old }
  rollback: none
- uses: vm.snapshot.delete
  with: { vm: web1, snapshot: old }`,
  },
  'deleted-before-check': {
    severity: 'warning',
    summary: 'A snapshot that is deleted before a check of what it protects.',
    docs: 'When the check fails, there is nothing left to go back to. Delete the snapshot when the change has proven good.',
    bad: `- uses: vm.snapshot
  with: { vm: web1, name: before }
- uses: guest.run
  with: { vm: web1, argv: [upgrade-shop], undo: [downgrade-shop] }
- uses: vm.snapshot.delete
  with: { vm: web1, snapshot: before }
- uses: check.guest
  with: { vm: web1, systemd: [nginx] }`,
    good: `- uses: vm.snapshot
  with: { vm: web1, name: before }
- uses: guest.run
  with: { vm: web1, argv: [upgrade-shop], undo: [downgrade-shop] }
- uses: check.guest
  with: { vm: web1, systemd: [nginx] }
- uses: vm.snapshot.delete
  with: { vm: web1, snapshot: before }`,
  },
  'memory-of-member': {
    severity: 'warning',
    summary: 'A snapshot with memory of a VM that is tagged as a database or as a member of a cluster.',
    docs: 'When it is gone back to, the guest goes on in the past: with an old clock, connections that the others have given up, and agreements that they have changed since. Tags that say so begin with `cluster`, `database`, `db`, `quorum` or `domain-controller`; a VM has them in the inventory.',
    bad: `- uses: vm.snapshot
  with: { vm: db1, name: before, memory: true }`,
    good: `- uses: vm.snapshot
  with: { vm: db1, name: before, quiesce: require }`,
  },
  'patch-unchecked': {
    severity: 'warning',
    summary: 'A patch after which nothing looks whether the VM is still well.',
    docs: 'That packages are installed does not say that the service works. A `check.guest`, a command with `changes: false`, an `assert` or an `approve` behind it tells while the undo is still there. A runbook with `outputs` is meant to be called, so its caller may look.',
    bad: `- uses: guest.patch
  with: { vm: web1 }`,
    good: `- uses: guest.patch
  with: { vm: web1 }
- uses: check.guest
  with: { vm: web1, systemd: [nginx], tcp: { port: 80 } }`,
  },
  'missing-undo': {
    severity: 'warning',
    summary:
      'A step that changes something, without a word on how to take it back, and others behind it that may fail.',
    docs: 'A rollback takes back what it can; where nobody has said how, it ends in need of a person. Say how, or say that it may stay: `rollback: none`.',
    bad: `- uses: guest.run
  with: { vm: web1, argv: [systemctl, stop, nginx] }
- uses: vm.migrate
  with: { vm: web1, to: hv2 }`,
    good: `- uses: guest.run
  with: { vm: web1, argv: [systemctl, stop, nginx], undo: [systemctl, start, nginx] }
- uses: vm.migrate
  with: { vm: web1, to: hv2 }`,
  },
  'no-point-of-no-return': {
    severity: 'warning',
    summary: 'A step that can never be undone before one that can.',
    docs: 'When a later step fails, the rollback undoes that one and then meets what it can not undo: half of the run is taken back. A `pointOfNoReturn` says from where on the run only goes forward. It stands in the outermost `steps`; elsewhere, do the step last, or say `rollback: none` if it does no harm that it stays. Deleting a snapshot that the run itself took is no matter.',
    bad: `- uses: vm.snapshot.delete
  with: { vm: web1, snapshot: old }
- uses: vm.migrate
  with: { vm: web1, to: hv2 }`,
    good: `- pointOfNoReturn: The old snapshot of web1 is deleted now.
- uses: vm.snapshot.delete
  with: { vm: web1, snapshot: old }
- uses: vm.migrate
  with: { vm: web1, to: hv2 }`,
  },
  'migrate-during-backup': {
    severity: 'warning',
    summary: 'A VM that is migrated in one branch while another one backs it up.',
    docs: 'A VM has one job at a time, and a backup that its VM moves away from is no backup. Do one after the other.',
    bad: `- parallel:
    - uses: backup.image
      with: { vm: web1, proxy: backup1 }
    - uses: vm.migrate
      with: { vm: web1, to: hv2 }`,
    good: `- uses: backup.image
  with: { vm: web1, proxy: backup1 }
- uses: vm.migrate
  with: { vm: web1, to: hv2 }`,
  },
  'same-vm-in-parallel': {
    severity: 'warning',
    summary: 'Two steps at once on one VM, of which one needs it for itself.',
    docs: 'Branches of a `parallel`, and items of a loop with a `batch`, are under way side by side. Power, snapshots, patches, migrations and backups are each refused, or spoilt, when something else changes the VM meanwhile.',
    bad: `- parallel:
    - uses: guest.run
      with: { vm: web1, argv: [systemctl, stop, nginx], undo: [systemctl, start, nginx] }
    - uses: vm.snapshot
      with: { vm: web1 }`,
    good: `- uses: guest.run
  with: { vm: web1, argv: [systemctl, stop, nginx], undo: [systemctl, start, nginx] }
- uses: vm.snapshot
  with: { vm: web1 }`,
  },
  'vm-is-off': {
    severity: 'error',
    summary: 'A step in a guest that an earlier step has shut down.',
    docs: 'It fails when the run comes to it. Start the VM again before, and wait for its guest.',
    bad: `- uses: vm.shutdown
  with: { vm: web1 }
- uses: guest.run
  with: { vm: web1, argv: [uname, -r], changes: false }`,
    good: `- uses: vm.shutdown
  with: { vm: web1 }
- uses: vm.start
  with: { vm: web1, waitForGuest: 120 }
- uses: guest.run
  with: { vm: web1, argv: [uname, -r], changes: false }`,
  },
  'production-without-canary': {
    severity: 'warning',
    summary: 'A loop that changes what is in production, without a canary and without an approval before it.',
    docs: 'What goes wrong with one goes wrong with all. `canary: 1` lets one go first, and the others only when it has gone well; `approve` has a person say yes. In production is what a group or tag selects whose name is `prod` or `production`, alone or with more behind it (`prod-web`), and a VM that has such a tag or is in such a group.',
    bad: `- forEach: { vm: [billing1, web1], batch: 2 }
  steps:
    - uses: guest.patch
      with: { vm: "\${{ vm }}" }
    - uses: check.guest
      with: { vm: "\${{ vm }}", agent: true }`,
    good: `- forEach: { vm: [billing1, web1], batch: 2, canary: 1 }
  steps:
    - uses: guest.patch
      with: { vm: "\${{ vm }}" }
    - uses: check.guest
      with: { vm: "\${{ vm }}", agent: true }`,
  },
  'unlimited-backups': {
    severity: 'warning',
    summary: 'Several backups at once, and no `limits`.',
    docs: 'While a VM is backed up, its host and datastore are read from, and a slow proxy slows the guest down. `batch` says how many VMs are under way; `limits` say how many a host, a datastore or a proxy can bear.',
    bad: `steps:
  - forEach: { vm: [db1, db2], batch: 2 }
    steps:
      - uses: backup.image
        with: { vm: "\${{ vm }}", proxy: backup1 }`,
    good: `limits: { perHost: 1, perProxy: 2 }
steps:
  - forEach: { vm: [db1, db2], batch: 2 }
    steps:
      - uses: backup.image
        with: { vm: "\${{ vm }}", proxy: backup1 }`,
  },
  'endless-migration': {
    severity: 'warning',
    summary: 'A live migration that need not converge, and that nothing ends.',
    docs: 'With `autoConverge: false` a guest that writes memory faster than the network takes it is never moved. A `timeout` of the step decides when it is given up; then the VM stays where it is.',
    bad: `- uses: vm.migrate
  with: { vm: db1, to: hv1, autoConverge: false }`,
    good: `- uses: vm.migrate
  with: { vm: db1, to: hv1, autoConverge: false }
  timeout: 20m`,
  },
  'unused-input': { severity: 'info', summary: 'An input that nothing uses.', docs: 'Remove it, or use it.' },
  'unused-ignore': {
    severity: 'info',
    summary: 'A `virtbook-ignore` that suppresses nothing.',
    docs: 'Remove it, so that it does not hide a later mistake.',
  },
} as const satisfies Record<string, Rule>;

export type RuleCode = keyof typeof rules;

export function ruleOf(code: string): Rule | undefined {
  return Object.hasOwn(rules, code) ? rules[code as RuleCode] : undefined;
}

/** A diagnostic of a rule, with the rule's severity. */
export function diagnostic(code: RuleCode, range: SourceRange, message: string, suggestions?: string[]): Diagnostic {
  const made: Diagnostic = { code, severity: rules[code].severity, message, range };
  if (suggestions?.length) made.suggestions = suggestions;
  return made;
}
