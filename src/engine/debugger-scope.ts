import type { Target } from '../actions/action';
import { HypervisorError } from '../hypervisors/errors';
import type { Fleet } from '../inventory/fleet';
import { evaluateExpression, evaluateTemplate, type Scope } from '../runbook/expression';
import type { Json, JsonObject } from '../runbook/json';
import type { Runbook } from '../runbook/model';
import type { FrameScope, FrameView, LiveState } from './debug-protocol';
import { capped } from './debugger-values';
import { framesOf, ownPlaces } from './frames';
import { checkedInputs } from './inputs';
import type { Place } from './place';
import type { Plan } from './plan';
import type { StepAt } from './stop-points';
import type { World } from './world';

/** What a debugger is shown of where the run stands. Never a secret: everything is evaluated with marks in the place of their values. */
export class ScopeViews {
  constructor(
    private readonly plan: Plan,
    private readonly world: Pick<World, 'action' | 'fleet' | 'secrets'>,
  ) {}

  frames(at: StepAt): FrameView[] {
    return framesOf(at).map(({ place, step, key }, index) => {
      const label = key.slice(place.prefix.length) || (step.name ?? key);
      const { outer } = place;
      return {
        index,
        name: `${label} in ${outer ? (outer.item ?? outer.key) : this.plan.name}`,
        pointer: step.pointer,
        key,
      };
    });
  }

  /** Without the values of secrets. */
  struck({ scope }: Place): Scope {
    const { secrets } = this.world;
    if (!secrets) return scope;
    const { inputs, steps, run, variables, index } = scope;
    return {
      ...secrets.strike({ inputs, steps, run, ...(variables && { variables }) }),
      ...(index !== undefined && { index }),
    };
  }

  /** @throws ExpressionError */
  evaluate(place: Place, expression: string): Json {
    const scope = this.struck(place);
    const value = expression.includes('${{')
      ? evaluateTemplate(expression, scope)
      : evaluateExpression(expression, scope);
    return capped(value);
  }

  /** Of a value that may hold secrets. */
  shown(value: Json): Json {
    return capped(this.world.secrets ? this.world.secrets.strike(value) : value);
  }

  scope(at: StepAt, frame: number, canSet: boolean): FrameScope {
    const shown = framesOf(at)[frame]!;
    const { place, step } = shown;
    const { inputs, steps, variables, index } = this.struck(place);
    const given =
      step.kind === 'action' || step.kind === 'call' ? this.#given(step.with, this.struck(place)) : undefined;
    const definition = step.kind === 'action' ? this.world.action(step.uses) : undefined;
    let targets: Target[] = [];
    try {
      const values = definition && given && checkedInputs(definition, given);
      const found = values && definition.targets(values);
      targets = found ? [...found.changes, ...found.reads] : [];
    } catch {
      // What they are is not known before its inputs are.
    }
    const isShown = (target: Target): target is Target & { kind: 'vm' | 'host' } =>
      target.kind === 'vm' || target.kind === 'host';
    const named = new Map(targets.filter(isShown).map(({ kind, name }) => [`${kind} ${name}`, { kind, name }]));
    const view: FrameScope = {
      inputs,
      steps,
      variables: { ...variables, ...(index !== undefined && { index }) },
      ...(given && { with: given }),
      targets: [...named.values()],
      editable: canSet && frame < ownPlaces(at.place).length ? this.editable(place) : [],
    };
    return capped(view as unknown as Json) as unknown as FrameScope;
  }

  /** Paths of what may be set there. */
  editable(place: Place): string[][] {
    const { scope } = place;
    const runbook = runbookOf(place, this.plan);
    const inputs = Object.keys(scope.inputs).filter(name => runbook.inputs[name]?.type !== 'secret');
    return [
      ...inputs.map(name => ['inputs', name]),
      ...Object.keys(scope.variables ?? {}).map(name => ['variables', name]),
      ...Object.entries(scope.steps).flatMap(([id, { outputs }]) =>
        Object.keys(outputs).map(name => ['steps', id, 'outputs', name]),
      ),
    ];
  }

  async live(fleet: Fleet, kind: 'vm' | 'host', name: string): Promise<LiveState | null> {
    try {
      const state = kind === 'vm' ? (await fleet.locate(name)).vm : await hostState(fleet, name);
      return state ? (this.shown(JSON.parse(JSON.stringify(state)) as Json) as LiveState) : null;
    } catch (error) {
      if (error instanceof HypervisorError && error.kind === 'not-found') return null;
      throw error;
    }
  }

  /** As far as it can be evaluated; what can't stays as it is written. */
  #given(values: JsonObject, scope: Scope): JsonObject {
    return Object.fromEntries(
      Object.entries(values).map(([name, value]) => {
        try {
          return [name, evaluateTemplate(value, scope)];
        } catch {
          return [name, value];
        }
      }),
    );
  }
}

/** Whose inputs are seen there. */
export function runbookOf(place: Place, plan: Plan): Runbook {
  for (let outer = place.outer; outer; outer = outer.place.outer) {
    if (outer.step.kind === 'call' && outer.step.runbook) return outer.step.runbook;
  }
  return plan.program;
}

async function hostState(fleet: Fleet, name: string) {
  const { hosts, vms } = await (await fleet.host(name)).state();
  const host = hosts.find(one => one.name === name);
  return host && { ...host, vms: vms.filter(vm => vm.host === name).map(vm => vm.name) };
}
