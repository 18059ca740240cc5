import { actionNamed } from '../actions/catalogue';
import { makePlan } from '../engine/make-plan';
import type { Plan, PlannedStep } from '../engine/plan';
import type { NameSource } from '../engine/plan-inputs';
import { timetableOf } from '../engine/timetable';
import type { Json, JsonObject } from '../runbook/json';
import { linkLoaded } from '../runbook/link';
import { innerSteps, type Runbook, type Step } from '../runbook/model';
import type { ParsedRunbook } from '../runbook/parse';
import type { EditorConfig } from './config';

/** What a plan made of the files alone says of the steps of a runbook, by JSON pointer. */
export interface Foretold {
  /** Items of loops. */
  items: ReadonlyMap<string, readonly Json[]>;
  /** How long a step takes, in seconds; of one in a loop, for one item. */
  seconds: ReadonlyMap<string, number>;
  /** How long all of it takes; undefined when it is not known. */
  total?: number;
}

/** Beyond that a plan takes too long to be made while somebody types. */
const mostSteps = 5_000;

type Around = Pick<EditorConfig, 'inventoryFile' | 'seenHosts' | 'runbooks'>;

const known = new WeakMap<ParsedRunbook, { around: Around; foretold: Foretold | undefined }>();

/** Made once for a text and what is around it. undefined: it can't be planned, or would be too large. Never throws. */
export function foretell(parsed: ParsedRunbook, { inventoryFile, seenHosts, runbooks }: Around): Foretold | undefined {
  const around: Around = { inventoryFile, seenHosts, runbooks };
  const before = known.get(parsed);
  if (before && isSame(before.around, around)) return before.foretold;
  const foretold = made(parsed, around);
  known.set(parsed, { around, foretold });
  return foretold;
}

function isSame(one: Around, other: Around): boolean {
  return (
    one.inventoryFile === other.inventoryFile && one.seenHosts === other.seenHosts && one.runbooks === other.runbooks
  );
}

function made(parsed: ParsedRunbook, around: Around): Foretold | undefined {
  if (!parsed.runbook) return undefined;
  try {
    const runbook = linkLoaded(parsed.runbook, '', around.runbooks ?? (() => undefined));
    if (!runbook || stepsAtMost(runbook.steps, longestList(runbook, around)) > mostSteps) return undefined;
    const madeUp = namesMadeUp(runbook);
    const { plan } = makePlan({ runbook, inputs: madeUp, action: actionNamed, ...namesOf(around) });
    return read(plan, Object.keys(madeUp).length === 0);
  } catch {
    // What can't be planned has its diagnostics; there is nothing to foretell of it.
    return undefined;
  }
}

export function namesOf({ inventoryFile, seenHosts }: Around): NameSource {
  return { ...(inventoryFile && { inventory: inventoryFile }), ...(seenHosts && { hosts: seenHosts }) };
}

/** How long a step takes does not depend on which host or VM it is, so one that is still to be given is made up. */
function namesMadeUp({ inputs }: Runbook): JsonObject {
  const given: JsonObject = {};
  for (const [name, { type, default: fallback }] of Object.entries(inputs))
    if (fallback === undefined && (type === 'vm' || type === 'host')) given[name] = name;
  return given;
}

/** No loop goes through more than this, as far as lists stand in files. */
function longestList({ inputs }: Runbook, { inventoryFile: inventory, seenHosts }: Around): number {
  const lists = [
    ...Object.values(inputs).map(input => input.default),
    ...Object.values(inventory?.groups ?? {}).flatMap(({ hosts, vms }) => [hosts, vms]),
    ...Object.values(seenHosts ?? {}),
    Object.keys(inventory?.vms ?? {}),
    Object.keys(inventory?.connections ?? {}),
  ];
  return lists.reduce<number>((most, list) => Math.max(most, Array.isArray(list) ? list.length : 1), 1);
}

function stepsAtMost(steps: readonly Step[], longest: number): number {
  let sum = 0;
  for (const step of steps) {
    const times = step.kind === 'forEach' ? (Array.isArray(step.in) ? step.in.length : longest) : 1;
    const inner = step.kind === 'call' ? (step.runbook?.steps ?? []) : innerSteps(step);
    sum += 1 + times * stepsAtMost(inner, longest);
    if (sum > mostSteps) return sum;
  }
  return sum;
}

/** `whole`: nothing in the plan is made up, so conditions and totals hold. */
function read(plan: Plan, whole: boolean): Foretold {
  const items = new Map<string, readonly Json[]>();
  const seconds = new Map<string, number>();
  const timetable = timetableOf(plan);
  // What limits and people make of it is not known from the files alone.
  const timed = whole && plan.limits === undefined;
  const rows = new Map(timetable.rows.map(row => [row.key, row]));
  const visit = (step: PlannedStep): { from: number; to: number } | undefined => {
    if (step.when === false) return undefined;
    if (step.kind === 'action' || step.kind === 'control') {
      if (step.kind === 'action' && step.estimateSeconds > 0) seconds.set(step.pointer, step.estimateSeconds);
      const row = rows.get(step.key);
      return row && { from: row.fromSeconds, to: row.toSeconds };
    }
    if (step.kind === 'items' && step.items !== 'unknown')
      items.set(
        step.pointer,
        step.items.map(({ value }) => value),
      );
    const inner =
      step.kind === 'items'
        ? step.items === 'unknown'
          ? step.body
          : step.items.flatMap(item => item.steps)
        : step.steps;
    const spans = inner.flatMap(one => visit(one) ?? []);
    if (spans.length === 0 || (step.kind === 'items' && step.items === 'unknown')) return undefined;
    const from = Math.min(...spans.map(span => span.from));
    const to = Math.max(...spans.map(span => span.to));
    if (timed && to > from) seconds.set(step.pointer, to - from);
    return { from, to };
  };
  for (const step of [...plan.steps, ...(plan.finally ?? [])]) visit(step);
  const total = timed && !waits(plan) && timetable.notes.length === 0 ? timetable.seconds : undefined;
  return { items, seconds, ...(total !== undefined && { total }) };
}

/** For people, or for a window: nobody knows how long. */
function waits(plan: Plan): boolean {
  const asks = (steps: readonly PlannedStep[]): boolean =>
    steps.some(step => {
      if (step.when === false) return false;
      if (step.kind === 'control') return step.control === 'approve';
      if (step.kind === 'action') return false;
      if (step.kind !== 'items') return asks(step.steps);
      return step.items === 'unknown' || step.items.some(item => asks(item.steps));
    });
  return plan.windows !== undefined || asks(plan.steps);
}
