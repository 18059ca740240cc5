import type { JsonObject } from '../../runbook/json';

/** A runbook of one step, as text: what a VM's menu runs. It goes the same way as any other, so it has a plan, a journal and an undo. */
export function stepRunbook(step: { name: string; uses: string; with: JsonObject; inventory: string }): string {
  const inputs = Object.entries(step.with).map(([name, value]) => `      ${name}: ${scalar(value)}`);
  return [
    '# Written by Virtbook for an action in the Inventory view.',
    'version: 1',
    `name: ${scalar(step.name)}`,
    `inventory: ${scalar(step.inventory)}`,
    'steps:',
    `  - uses: ${step.uses}`,
    '    with:',
    ...inputs,
    '',
  ].join('\n');
}

/** JSON is YAML. A `${{` in a name from outside must stay text. */
function scalar(value: unknown): string {
  return JSON.stringify(value).replaceAll('${{', () => '$${{');
}

/** A file name for it that is safe on every file system: `vm.snapshot-web1`. */
export function stepRunbookName(uses: string, vm: string): string {
  return `${uses}-${vm.replaceAll(/[^\w.-]/g, '_').slice(0, 80)}.runbook.yaml`;
}
