import type { Plan, PlannedStep } from '../engine/plan';
import { leavesOf } from '../engine/planned-steps';
import type { Inventory } from '../inventory/model';
import { equal } from '../runbook/equal';
import type { Json } from '../runbook/json';
import { isTemplate } from '../runbook/template';
import { runbookMeaning } from './runbook-meaning';

/**
 * Whether two plans do the same. They may differ in all that only people read (names, titles, descriptions, messages, prompts), in where steps
 * stand in the file, in ids of steps and names of loop variables as long as expressions follow, in how a value is written, and in groups
 * of steps that only hold them together. An input of another name is another one to whoever gives its value: it differs, if any step uses it.
 */
export function doTheSame(base: Plan, head: Plan): boolean {
  return base === head || equal(meaningOf(base), meaningOf(head));
}

function meaningOf(plan: Plan): unknown {
  const { program, limits, windows, secrets } = plan;
  const { content, inputs, calls } = runbookMeaning(program);
  const foretold = leavesOf([...plan.steps, ...(plan.finally ?? [])], { leftOut: false, anyItem: true });
  return {
    content,
    inputs: Object.entries(plan.inputs)
      .filter(([name]) => inputs === 'all' || inputs.has(name))
      .sort(([one], [other]) => (one < other ? -1 : 1)),
    limits: limits ?? {},
    windows: windows ?? [],
    secrets: [...(secrets ?? [])].sort().map(name => [name, program.inputs[name]?.env ?? null]),
    foretold: foretold.map(foretoldMeaning),
    inventory: inventoryMeaning(plan.inventory, foretold, calls),
  };
}

type Leaf = Extract<PlannedStep, { kind: 'action' | 'control' }>;

/** What is known of it; what is not is as the runbook has it. */
function foretoldMeaning(step: Leaf): unknown {
  if (step.kind === 'control') return { control: step.control, when: step.when };
  const { uses, inputs, reads, changes, undoClass, when } = step;
  return { uses, when, undoClass, ...(known({ inputs, targets: [...reads, ...changes] }) as object) };
}

type Data = Json | { [name: string]: Data } | readonly Data[] | object;

/** Without templates, which name steps. */
function known(value: Data): Data {
  if (typeof value === 'string') return isTemplate(value) ? null : value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(known);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, known(inner as Data)]));
}

/** What the run looks up: of VMs and proxies those that it acts on, where all of them are known. A call may select by group and tag. */
function inventoryMeaning(inventory: Inventory | undefined, steps: readonly Leaf[], calls: boolean): unknown {
  if (!inventory || calls) return inventory;
  const targets = steps.flatMap(step => (step.kind === 'action' ? [...step.reads, ...step.changes] : []));
  const names = new Set(targets.map(({ kind, name }) => `${kind} ${name}`));
  const all = targets.some(({ name }) => isTemplate(name));
  const used = <T>(kind: string, definitions: Record<string, T>): [string, T][] =>
    Object.entries(definitions).filter(([name]) => all || names.has(`${kind} ${name}`));
  return {
    connections: Object.fromEntries(Object.entries(inventory.connections).map(([name, one]) => [name, untagged(one)])),
    proxies: Object.fromEntries(used('proxy', inventory.proxies)),
    vms: Object.fromEntries(used('vm', inventory.vms).map(([name, { owner: _, ...one }]) => [name, untagged(one)])),
  };
}

/** Tags have been turned into names. */
function untagged<T extends { tags?: string[] }>({ tags: _, ...rest }: T): Omit<T, 'tags'> {
  return rest;
}
