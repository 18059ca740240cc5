import type { ActionDefinition } from '../actions/action';
import type { JsonObject } from '../runbook/json';
import { innerSteps, type Limits, type MaintenanceWindow, type Runbook, type Step } from '../runbook/model';
import { allKnown } from './knowable';
import { findStep, fromStep, missingOutputs, onlyStep } from './part';
import type { Plan } from './plan';
import { planHash } from './plan-hash';
import { type NameSource, resolveInputs } from './plan-inputs';
import { Planner, type Site } from './planner';

export interface PlanRequest extends NameSource {
  runbook: Runbook;
  inputs?: JsonObject;
  /** Id or JSON pointer of the step to run alone, or to begin at. */
  only?: string;
  from?: string;
  action(name: string): ActionDefinition | undefined;
}

/** Why there is no plan: each problem a sentence that says what to do. */
export class PlanRefused extends Error {
  override readonly name = 'PlanRefused';
  constructor(readonly problems: string[]) {
    super(problems.join('\n'));
  }
}

/** Freezes what a run of this runbook will do. Pure: looks at nothing but its arguments. @throws PlanRefused */
export function makePlan(request: PlanRequest): { plan: Plan; hash: string } {
  const { runbook } = request;
  const problems: string[] = [];
  const inputs = resolveInputs(runbook, request.inputs ?? {}, request, problems);
  const part = partOf(request, problems);
  if (problems.length > 0) throw new PlanRefused(problems);
  const planner = new Planner(request.action, request);
  const site: Site = { prefix: '', scope: { inputs, steps: {}, run: { id: '' } }, unknown: allKnown, reached: true };
  const program: Runbook = { ...runbook, steps: part.steps };
  const steps = planner.runbook(program, site);
  if (planner.problems.length > 0) throw new PlanRefused(planner.problems);
  const limits = limitsOf(program);
  const windows = windowsOf(program);
  const secrets = Object.keys(runbook.inputs).filter(name => runbook.inputs[name]?.type === 'secret');
  const plan: Plan = {
    version: 1,
    name: runbook.name,
    program,
    inputs,
    ...(request.inventory && { inventory: request.inventory }),
    steps,
    ...(part.only !== undefined && { only: part.only }),
    ...(part.from !== undefined && { from: part.from }),
    unknowns: planner.unknowns,
    ...(limits && { limits }),
    ...(windows.length > 0 && { windows }),
    ...(secrets.length > 0 && { secrets }),
    ...(planner.finally.length > 0 && { finally: planner.finally }),
  };
  return { plan, hash: planHash(plan) };
}

function partOf(request: PlanRequest, problems: string[]): { steps: Step[]; only?: string; from?: string } {
  const { runbook, only, from } = request;
  const name = only ?? from;
  if (name === undefined) return { steps: runbook.steps };
  if (only !== undefined && from !== undefined) {
    problems.push('Only one of "only this step" and "from this step" can be chosen.');
    return { steps: [] };
  }
  const step = findStep(runbook.steps, name);
  if (!step) {
    problems.push(`The runbook has no step ${name}.`);
    return { steps: [] };
  }
  const steps = only === undefined ? fromStep(runbook.steps, step.pointer) : onlyStep(runbook.steps, step.pointer);
  problems.push(...missingOutputs(runbook, [...steps, ...(runbook.finally ?? [])]));
  return { steps, ...(only === undefined ? { from: step.pointer } : { only: step.pointer }) };
}

/** The runbook and all that it calls, itself first. */
function* runbooksIn(runbook: Runbook): Generator<Runbook> {
  yield runbook;
  yield* calledBy(runbook.steps);
  yield* calledBy(runbook.finally ?? []);
}

function* calledBy(steps: readonly Step[]): Generator<Runbook> {
  for (const step of steps) {
    if (step.kind === 'call' && step.runbook) yield* runbooksIn(step.runbook);
    if (step.kind === 'action' && typeof step.rollback === 'object') yield* calledBy(step.rollback);
    yield* calledBy(innerSteps(step));
  }
}

/** The strictest of each. */
function limitsOf(program: Runbook): Limits | undefined {
  const strictest: Limits = {};
  for (const { limits } of runbooksIn(program)) {
    for (const name of ['perHost', 'perDatastore', 'perProxy', 'perConnection', 'total'] as const) {
      const limit = limits?.[name];
      if (limit !== undefined) strictest[name] = Math.min(limit, strictest[name] ?? limit);
    }
  }
  return Object.keys(strictest).length > 0 ? strictest : undefined;
}

/** Each once. */
function windowsOf(program: Runbook): MaintenanceWindow[] {
  const windows = new Map<string, MaintenanceWindow>();
  for (const { window } of runbooksIn(program)) if (window) windows.set(JSON.stringify(window), window);
  return [...windows.values()];
}
