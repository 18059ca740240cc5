import type { Diagnostic, Severity, SourceRange } from './diagnostic';

/** Everything the checks may say, in one place: `docs/rules.md` is made from it. Codes are stable: files name them to suppress. */
export interface Rule {
  severity: Severity;
  /** One sentence: what the rule finds. */
  summary: string;
  /** Why it matters and what to do, in Markdown. */
  docs: string;
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
