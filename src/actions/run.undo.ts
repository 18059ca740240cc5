import { type Static, type TSchema, Type } from 'typebox';
import { Value } from 'typebox/value';
import { type ActionContext, type ActionDefinition, defineAction } from './action';
import { ActionError } from './action-error';
import { blocker } from './located-vm';
import { closed } from './references';

const inputs = Type.Object(
  {
    run: Type.String({ minLength: 1, description: 'Id of the run that the step belongs to.' }),
    step: Type.String({ minLength: 1, description: 'Key of the step in that run, e.g. `each-vm[web1]/patch`.' }),
    action: Type.String({ minLength: 1, description: 'What the step `uses`.' }),
    inputs: Type.Record(Type.String(), Type.Unknown({ description: 'As its schema says.' }), {
      description: 'Its inputs, as the journal of that run has them.',
    }),
    before: Type.Optional(Type.Unknown({ description: 'The state before the step, from the same place.' })),
    outputs: Type.Optional(
      Type.Unknown({ description: 'What the step gave, from the same place. Left out: it never ended well.' }),
    ),
  },
  closed,
);
type Inputs = Static<typeof inputs>;

/** The step that is taken back, or a sentence that says why it can't be. */
type Step = { action: ActionDefinition; inputs: never; before: never; outputs: never } | { problem: string };

/** `actionNamed`: the catalogue, which this action is part of itself. */
export function runUndo(actionNamed: (name: string) => ActionDefinition | undefined) {
  const stepOf = (given: Inputs): Step => {
    const action = actionNamed(given.action);
    if (!action) return { problem: `There is no action ${given.action} in this version of Virtbook.` };
    if (!action.undo) return { problem: `${given.action} has no undo, so ${given.step} can't be taken back by it.` };
    const why =
      misfit('inputs', action.inputs, given.inputs) ??
      misfit('before', action.before, given.before ?? null) ??
      (isNothing(given.outputs) ? undefined : misfit('outputs', action.outputs, given.outputs));
    if (why !== undefined) {
      return {
        problem: `What is given of ${given.step} is not what ${given.action} keeps: ${why}. Copy it again from \`virtbook show ${given.run} --remaining\`.`,
      };
    }
    // Just checked against the schemas of the action; their types are not known here.
    return {
      action,
      inputs: given.inputs as never,
      before: (given.before ?? null) as never,
      outputs: given.outputs as never,
    };
  };
  /** What the action says of the step; where there is no such step, its preflight says so. */
  const told = <T>(given: Inputs, tell: (step: Exclude<Step, { problem: string }>) => T, otherwise: T): T => {
    const step = stepOf(given);
    return 'problem' in step ? otherwise : tell(step);
  };

  return defineAction({
    name: 'run.undo',
    title: 'Undo a step of another run',
    summary: 'Takes back a step of an earlier run, from what its journal recorded.',
    docs: `Calls the undo of the action of that step, with the inputs, the state before and the outputs that the journal of that run has, and in the
name of that run: what it made is found by its marks.

Nobody writes this by hand. When a run could not take everything back, \`virtbook show RUN --remaining\` prints a runbook of these steps.

An undo looks for itself what is left, so this step may be repeated. **Undo**: none, it is one.`,
    example: `- uses: run.undo
  with:
    run: 20260103-220000-000abc
    step: before
    action: vm.snapshot
    inputs: { vm: web1, name: before-upgrade }
    before: { uuid: 6f1d6c1e-0000-4000-8000-000000000001, state: running, name: before-upgrade, existed: false }
    outputs: { snapshot: before-upgrade, consistency: application }
  rollback: none`,
    inputs,
    outputs: Type.Object({}, closed),
    before: Type.Object({}, closed),
    undoClass: 'irreversible',
    idempotent: true,
    requires: given => told(given, ({ action, inputs }) => action.requires(inputs), []),
    targets: given => told(given, ({ action, inputs }) => action.targets(inputs), { reads: [], changes: [] }),
    describe: given =>
      told(
        given,
        ({ action, inputs, before }) => `${action.describeUndo(inputs, before)} (undo of ${given.step})`,
        `undo ${given.step} of run ${given.run}`,
      ),
    describeUndo: () => 'nothing: an undo is not undone',
    // No `outageSeconds`: an undo looks for itself what there is to do.
    estimateSeconds: given => told(given, ({ action, inputs }) => action.estimateSeconds(inputs), 1),

    async preflight(_context, given) {
      const step = stepOf(given);
      return 'problem' in step ? [blocker(step.problem)] : [];
    },

    async prepare() {
      return {};
    },

    async apply(context, given) {
      const step = stepOf(given);
      if ('problem' in step) throw new ActionError(step.problem);
      await step.action.undo!(inTheNameOf(context, given), step.inputs, step.before, step.outputs);
      return {};
    },

    // Undoing what is undone changes nothing, so nobody need know whether it happened.
    async probe() {
      return { outcome: 'not-done' };
    },
  });
}

function inTheNameOf(context: ActionContext, { run, step }: Inputs): ActionContext {
  return {
    fleet: context.fleet,
    runId: run,
    stepKey: step,
    get signal() {
      return context.signal;
    },
    now: () => context.now(),
    sleep: ms => context.sleep(ms),
    progress: progress => context.progress(progress),
    log: (text, stream) => context.log(text, stream),
    ...(context.told && { told: context.told }),
  };
}

/** Of a step that a person said had happened, nobody knows the outputs: its journal has `{}`. */
function isNothing(outputs: unknown): boolean {
  return outputs === undefined || JSON.stringify(outputs) === '{}';
}

function misfit(what: string, schema: TSchema, value: unknown): string | undefined {
  if (Value.Check(schema, value)) return undefined;
  const [error] = Value.Errors(schema, value).filter(one => one.keyword !== 'boolean');
  return `\`${what}${(error?.instancePath ?? '').replaceAll('/', '.')}\` ${error?.message ?? 'does not fit'}`;
}
