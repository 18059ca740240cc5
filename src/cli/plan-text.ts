import { unlockedPlanText } from '../engine/lock-text';
import { findStep } from '../engine/part';
import type { Plan, PlannedStep } from '../engine/plan';
import { changesText, pointsOfNoReturn, shortHash } from '../engine/plan-summary';
import type { PlannedAction } from '../engine/planned-steps';
import { columns, duration } from '../engine/text-table';
import { type Timetable, timetableOf } from '../engine/timetable';
import { limitsText, peakText, tellsMore, timetableCells, windowText } from '../engine/timetable-text';
import { secretMark, secretVariable } from '../runbook/secret';
import { paint, printable, type Terminal } from './terminal';

export interface PlanFindings {
  blockers: string[];
  warnings: string[];
}

/** What was found out besides the plan itself. */
export interface PlanLook {
  /** What preflights found on the live inventory, by key. */
  findings?: ReadonlyMap<string, PlanFindings>;
  /** Default: the one that the plan alone gives. */
  timetable?: Timetable;
}

/** A plan as people read it. */
export function planText(plan: Plan, hash: string, terminal: Terminal, look: PlanLook = {}): string {
  const { findings = new Map<string, PlanFindings>(), timetable = timetableOf(plan) } = look;
  const lines = [`${paint(terminal, 'bold', printable(plan.name))}  plan ${shortHash(hash)}`];
  const named = (pointer: string): string => findStep(plan.program.steps, pointer)?.id ?? pointer;
  if (plan.only !== undefined) lines.push(`only the step ${named(plan.only)}`);
  if (plan.from !== undefined) lines.push(`from the step ${named(plan.from)} on`);
  for (const [name, value] of Object.entries(plan.inputs)) {
    const { type, env } = plan.program.inputs[name] ?? {};
    const text = type === 'secret' ? secretSource(name, env) : JSON.stringify(value);
    lines.push(paint(terminal, 'dim', `  ${name} = ${printable(text)}`));
  }
  if (plan.limits) lines.push(`Limits: ${limitsText(plan.limits)}.`);
  for (const window of plan.windows ?? []) lines.push(`Window: ${printable(windowText(window))}.`);
  lines.push('');
  const writer = new StepWriter(lines, terminal, findings);
  writer.steps(plan.steps, '  ', true);
  if (plan.finally) {
    lines.push('', 'At the end, whatever became of it, and not undone:');
    new StepWriter(lines, terminal, findings, true).steps(plan.finally, '  ');
  }
  if (plan.unknowns.length > 0) {
    lines.push('', 'Not known yet:');
    for (const unknown of plan.unknowns) lines.push(`  ${printable(unknown)}`);
  }
  if (tellsMore(plan, timetable)) {
    lines.push('', 'Timetable, if every step takes as long as estimated:');
    for (const line of columns(timetableCells(timetable))) lines.push(`  ${printable(line)}`);
    lines.push(printable(peakText(timetable)));
  }
  for (const note of timetable.notes) lines.push(printable(note));
  lines.push('', `${printable(changesText(plan))}. About ${duration(timetable.seconds * 1000)} in all.`);
  for (const { title } of pointsOfNoReturn(plan)) {
    lines.push(paint(terminal, 'yellow', `After "${printable(title)}" nothing is undone.`));
  }
  const unlocked = unlockedPlanText(plan);
  if (unlocked !== undefined) lines.push(`${paint(terminal, 'yellow', 'warning:')} ${printable(unlocked)}`);
  return `${lines.join('\n')}\n`;
}

function secretSource(name: string, env: string | undefined): string {
  return `${secretMark(name)} from ${secretVariable(name, env)}, or asked for`;
}

class StepWriter {
  constructor(
    private readonly lines: string[],
    private readonly terminal: Terminal,
    private readonly findings: ReadonlyMap<string, PlanFindings>,
    /** What is done here is not taken back. */
    private kept = false,
  ) {}

  steps(steps: readonly PlannedStep[], indent: string, outermost = false): void {
    steps.forEach((step, at) => {
      const number = `${at + 1}.`;
      this.#step(step, `${indent}${number} `, indent + ' '.repeat(number.length + 1));
      if (outermost && step.kind === 'control' && step.control === 'pointOfNoReturn' && step.when === true) {
        this.kept = true;
      }
    });
  }

  #step(step: PlannedStep, head: string, inner: string): void {
    const { lines, terminal } = this;
    const when = whenText(step.when);
    switch (step.kind) {
      case 'action':
        lines.push(`${head}${printable(step.title)}${when}  ${paint(terminal, 'dim', step.uses)}`);
        this.#undo(step, inner);
        this.#findings(step.key, inner);
        return;
      case 'control': {
        const stands = step.control === 'approve' || step.control === 'pointOfNoReturn';
        lines.push(`${head}${stands ? paint(terminal, 'bold', printable(step.title)) : printable(step.title)}${when}`);
        if (step.control !== 'pointOfNoReturn') return;
        const text = 'After this nothing is undone: when a step fails, the run can only go on or stop there.';
        lines.push(paint(terminal, 'yellow', `${inner}${text}`));
        return;
      }
      case 'group':
      case 'call':
      case 'parallel': {
        const side = step.kind === 'parallel' ? ' (side by side)' : '';
        const uses = step.uses === undefined ? '' : `  ${paint(terminal, 'dim', printable(step.uses))}`;
        lines.push(`${head}${printable(step.title ?? step.key)}${side}${when}${uses}`);
        this.steps(step.steps, inner);
        return;
      }
      case 'items':
        this.#items(step, head, inner);
    }
  }

  #items(step: Extract<PlannedStep, { kind: 'items' }>, head: string, inner: string): void {
    const { items, batch, canary, maxFailures } = step;
    const side = batch === 1 ? 'one after another' : `${batch} at once`;
    const first = canary === undefined ? '' : `, the first ${canary} before all others`;
    const failures = maxFailures > 0 ? `, up to ${maxFailures} may fail` : '';
    const many = items === 'unknown' ? 'each item' : `${items.length} ${items.length === 1 ? 'item' : 'items'}`;
    const title = step.title === undefined ? '' : `${printable(step.title)}: `;
    this.lines.push(`${head}${title}for ${many} as ${step.variable}, ${side}${first}${failures}${whenText(step.when)}`);
    if (items === 'unknown') {
      this.steps(step.body, inner);
      return;
    }
    for (const { value, steps } of items) {
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      this.lines.push(inner + paint(this.terminal, 'cyan', printable(text)));
      this.steps(steps, `${inner}  `);
    }
  }

  #undo({ when, undo, undoClass }: PlannedAction, inner: string): void {
    if (this.kept || when === false || undo === 'nothing to undo') return;
    const color = undoClass === 'irreversible' ? 'yellow' : 'dim';
    this.lines.push(paint(this.terminal, color, `${inner}undo: ${printable(undo)}`));
  }

  #findings(key: string, inner: string): void {
    const { blockers = [], warnings = [] } = this.findings.get(key) ?? {};
    for (const blocker of blockers)
      this.lines.push(`${inner}${paint(this.terminal, 'red', 'blocked:')} ${printable(blocker)}`);
    for (const warning of warnings)
      this.lines.push(`${inner}${paint(this.terminal, 'yellow', 'warning:')} ${printable(warning)}`);
  }
}

function whenText(when: boolean | 'unknown'): string {
  return when === true ? '' : when === false ? ' (left out)' : ' (perhaps)';
}
