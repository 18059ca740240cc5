import type { JsonObject } from '../../runbook/json';

/** One action, on one thing or, in a loop, on several: what a VM's menu runs, and what *Insert as Step* writes. */
export interface StepDraft {
  uses: string;
  /** Name of the input that says on what: mostly `vm`. */
  input: string;
  /** Names that the input takes. */
  on: readonly string[];
  with?: JsonObject;
  /** Inputs that somebody has yet to fill in. */
  fill?: readonly string[];
}

/** A step as YAML, as an item of a list without indentation. A line that ends with `: ` is to be filled in. */
export function stepLines({ uses, input, on, with: inputs = {}, fill = [] }: StepDraft): string[] {
  const [only] = on;
  const single = on.length === 1 && only !== undefined;
  const step = [
    `- uses: ${uses}`,
    '  with:',
    `    ${input}: ${single ? scalar(only) : `"\${{ ${input} }}"`}`,
    ...Object.entries(inputs).map(([name, value]) => `    ${name}: ${scalar(value)}`),
    ...fill.map(name => `    ${name}: `),
  ];
  if (single) return step;
  return [
    `- forEach: { ${input}: [${on.map(scalar).join(', ')}], batch: 1, maxFailures: 0 }`,
    '  steps:',
    ...step.map(line => `    ${line}`),
  ];
}

/** A runbook of one step, as text. It goes the same way as any other, so it has a plan, a journal and an undo. */
export function stepRunbook({ name, inventory, ...step }: StepDraft & { name: string; inventory: string }): string {
  return [
    '# Written by Virtbook for an action in the Inventory view.',
    'version: 1',
    `name: ${scalar(name)}`,
    `inventory: ${scalar(inventory)}`,
    'steps:',
    ...stepLines(step).map(line => `  ${line}`),
    '',
  ].join('\n');
}

/** Names that YAML would read as something else. */
const notText = /^(true|false|null|yes|no|on|off|y|n)$/i;

/** Plain where that is safe, else JSON, which is YAML. A `${{` in a name from outside must stay text. */
function scalar(value: unknown): string {
  if (typeof value === 'string' && /^[a-z][\w.-]*$/i.test(value) && !notText.test(value)) return value;
  return JSON.stringify(value).replaceAll('${{', () => '$${{');
}

/** A file name for it that is safe on every file system: `vm.snapshot-web1`, `vm.start-3-vms`. */
export function stepRunbookName(uses: string, on: readonly string[]): string {
  const what = on.length === 1 ? (on[0] ?? '') : `${on.length}-vms`;
  return `${uses}-${what.replaceAll(/[^\w.-]/g, '_').slice(0, 80)}.runbook.yaml`;
}

/** `web1`, `web1, web2 and db1`, `web1, web2 and 5 more`. */
export function listed(names: readonly string[]): string {
  if (names.length <= 1) return names.join('');
  if (names.length <= 4) return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
  return `${names.slice(0, 2).join(', ')} and ${names.length - 2} more`;
}
