import { type ActionDefinition, type Target, undoClassOf } from '../actions/action';
import { parseDuration } from '../runbook/duration';
import { conditionSource, evaluateCondition, evaluateTemplate, type Scope } from '../runbook/expression';
import type { Json, JsonObject } from '../runbook/json';
import type { ActionStep, CallStep, ForEachStep, Runbook, Step } from '../runbook/model';
import { isTemplate } from '../runbook/template';
import { type ControlStep, controlTitle } from './control-title';
import { messageOf } from './failure';
import { checkedInputs } from './inputs';
import { finallyMark, itemKeys, stepKey } from './keys';
import { allKnown, Knowable, type Unknown } from './knowable';
import type { PlannedStep } from './plan';
import { type NameSource, resolveInputs } from './plan-inputs';

type When = boolean | 'unknown';

/** Where in the runbook the planner is. */
export interface Site {
  /** Of the keys of steps here. */
  prefix: string;
  scope: Scope;
  unknown: Unknown;
  /** Whether a run comes here at all. */
  reached: When;
}

/** A step, where it is, and whether it runs once the run is there. */
interface At extends Site {
  key: string;
  when: When;
}

/** Goes through a runbook and writes down what can be foretold of its steps. */
export class Planner {
  readonly #problems = new Said();
  readonly #unknowns = new Said();
  readonly #knowable = new Knowable();
  readonly #finally: PlannedStep[][] = [];

  constructor(
    private readonly action: (name: string) => ActionDefinition | undefined,
    private readonly names: NameSource,
  ) {}

  get problems(): string[] {
    return this.#problems.all();
  }
  get unknowns(): string[] {
    return this.#unknowns.all();
  }
  /** Of all runbooks that are reached; of what is begun later, earlier. */
  get finally(): PlannedStep[] {
    return [...this.#finally].reverse().flat();
  }

  runbook(runbook: Runbook, site: Site): PlannedStep[] {
    if (runbook.finally && site.reached !== false) {
      this.#finally.push(this.steps(runbook.finally, { ...site, prefix: site.prefix + finallyMark }));
    }
    return this.steps(runbook.steps, site);
  }

  steps(steps: readonly Step[], site: Site): PlannedStep[] {
    return steps.map(step => this.#step(step, site));
  }

  #step(step: Step, site: Site): PlannedStep {
    const key = stepKey(site.prefix, step);
    const when = this.#when(step, key, site);
    const reached = both(site.reached, when);
    const at: At = { ...site, key, when, reached };
    const inside: Site = { ...site, prefix: `${key}/`, reached };
    const { pointer } = step;
    const block = { key, pointer, ...this.#named(step, at), when };
    switch (step.kind) {
      case 'action':
        return this.#action(step, at);
      case 'steps':
        return { kind: 'group', ...block, steps: this.steps(step.steps, inside) };
      case 'parallel':
        return { kind: 'parallel', ...block, steps: this.steps(step.steps, inside) };
      case 'forEach':
        return this.#forEach(step, at);
      case 'call':
        return { kind: 'call', ...block, uses: step.uses, steps: this.#call(step, at) };
      default:
        return this.#control(step, at);
    }
  }

  #when(step: Step, key: string, site: Site): When {
    if (step.when === undefined || typeof step.when === 'boolean') return step.when ?? true;
    if (!this.#knowable.expression(conditionSource(step.when).source, site.unknown)) {
      if (site.reached !== false) {
        const what = `whether it runs is only known when it is reached (when: ${step.when}).`;
        this.#unknowns.add(step.pointer, key, what);
      }
      return 'unknown';
    }
    try {
      return evaluateCondition(step.when, site.scope);
    } catch (error) {
      if (site.reached !== false) this.#problems.add(step.pointer, key, messageOf(error));
      return 'unknown';
    }
  }

  #action(step: ActionStep, at: At): PlannedStep {
    const definition = this.action(step.uses);
    if (!definition) this.#problems.add(step.pointer, at.key, `there is no action ${step.uses}.`);
    const { values, complete } = this.#inputs(step, definition, at);
    // What an action says of inputs that still hold templates is only used where it can cope with them.
    const told = <T>(tell: () => T, otherwise: T): T => {
      try {
        return definition ? tell() : otherwise;
      } catch (error) {
        if (complete) throw error;
        return otherwise;
      }
    };
    const targets = told(() => definition!.targets(values), { reads: [], changes: [] });
    const known = (list: Target[]): Target[] => list.filter(target => !isTemplate(target.name));
    return {
      kind: 'action',
      key: at.key,
      pointer: step.pointer,
      uses: step.uses,
      title: this.#title(step, definition, values, complete, at),
      inputs: values,
      reads: known(targets.reads),
      changes: known(targets.changes),
      undoClass: told(() => undoClassOf(definition!, values), 'irreversible'),
      undo: undoText(step, definition, values, told),
      when: at.when,
      estimateSeconds: told(() => definition!.estimateSeconds(values), 0),
    };
  }

  /** `complete`: every value is known, and they fit the action. */
  #inputs(
    step: ActionStep,
    definition: ActionDefinition | undefined,
    at: At,
  ): { values: JsonObject; complete: boolean } {
    const { values, unknown } = this.#given(step, at);
    if (unknown.length > 0 || !definition) return { values, complete: false };
    try {
      return { values: checkedInputs(definition, values), complete: true };
    } catch (error) {
      if (at.reached !== false) this.#problems.add(step.pointer, at.key, messageOf(error));
      return { values, complete: false };
    }
  }

  /** `with`, as far as it is known; what is not stays a template. */
  #given(step: ActionStep | CallStep, at: At): { values: JsonObject; unknown: string[] } {
    const values: JsonObject = {};
    const unknown: string[] = [];
    for (const [name, value] of Object.entries(step.with)) {
      values[name] = value;
      if (!this.#knowable.template(value, at.unknown)) {
        unknown.push(name);
        continue;
      }
      try {
        values[name] = evaluateTemplate(value, at.scope);
      } catch (error) {
        // In a step that is left out, or may be, nothing need make sense.
        if (at.reached === true) this.#problems.add(step.pointer, at.key, messageOf(error));
        unknown.push(name);
      }
    }
    if (unknown.length > 0 && at.reached !== false) {
      const what = unknown.map(name => `\`${name}\``).join(' and ');
      const are = unknown.length > 1 ? 'are' : 'is';
      this.#unknowns.add(step.pointer, at.key, `${what} ${are} only known when it is reached.`);
    }
    return { values, unknown };
  }

  #title(
    step: ActionStep,
    definition: ActionDefinition | undefined,
    values: JsonObject,
    complete: boolean,
    at: At,
  ): string {
    const { name } = step;
    if (name !== undefined) {
      // A name that is only known later says less than what the step does.
      try {
        if (this.#knowable.template(name, at.unknown)) return String(evaluateTemplate(name, at.scope));
      } catch {
        return name;
      }
    }
    return complete && definition ? definition.describe(values) : (step.id ?? definition?.title ?? step.uses);
  }

  #control(step: ControlStep, at: At): PlannedStep {
    return {
      kind: 'control',
      control: step.kind,
      key: at.key,
      pointer: step.pointer,
      title: controlTitle(step, template => this.#text(template, at)),
      when: at.when,
      estimateSeconds: step.kind === 'wait' ? this.#waitSeconds(step.duration, step.pointer, at) : 0,
    };
  }

  #named({ name }: Step, at: At): { title?: string } {
    return name === undefined ? {} : { title: this.#text(name, at) };
  }

  #text(template: string, at: At): string {
    try {
      return this.#knowable.template(template, at.unknown) ? String(evaluateTemplate(template, at.scope)) : template;
    } catch {
      return template;
    }
  }

  #waitSeconds(duration: string, pointer: string, at: At): number {
    if (!this.#knowable.template(duration, at.unknown)) {
      if (at.reached !== false)
        this.#unknowns.add(pointer, at.key, 'how long it waits is only known when it is reached.');
      return 0;
    }
    try {
      const ms = parseDuration(String(evaluateTemplate(duration, at.scope)));
      if (ms !== undefined) return ms / 1000;
      if (at.reached === true)
        this.#problems.add(pointer, at.key, `\`${duration}\` gives no duration such as 30s, 5m or 1h30m.`);
    } catch (error) {
      if (at.reached === true) this.#problems.add(pointer, at.key, messageOf(error));
    }
    return 0;
  }

  #call(step: CallStep, at: At): PlannedStep[] {
    const { runbook } = step;
    if (!runbook) {
      const text = `the runbook ${step.uses} that it calls has not been read, so it can't be planned.`;
      this.#problems.add(step.pointer, at.key, text);
      return [];
    }
    const { values, unknown } = this.#given(step, at);
    const open = new Set(unknown);
    for (const name of open) delete values[name];
    const problems: string[] = [];
    const inputs = resolveInputs(runbook, values, this.names, problems, { called: true, unknown: open });
    if (at.reached !== false) for (const problem of problems) this.#problems.add(step.pointer, at.key, problem);
    const inside: Site = {
      prefix: `${at.key}/`,
      scope: { inputs, steps: {}, run: at.scope.run },
      unknown: { ...allKnown, inputs: open },
      reached: problems.length > 0 ? false : at.reached,
    };
    return this.runbook(runbook, inside);
  }

  #forEach(step: ForEachStep, at: At): PlannedStep {
    const { variable } = step;
    const loop = {
      kind: 'items' as const,
      key: at.key,
      pointer: step.pointer,
      ...this.#named(step, at),
      variable,
      when: at.when,
      batch: step.batch,
      ...(step.canary !== undefined && { canary: step.canary }),
      maxFailures: step.maxFailures,
    };
    const site = { scope: at.scope, reached: at.reached };
    const values = this.#items(step, at);
    if (!values) {
      const variables = new Set([...at.unknown.variables, variable, 'index']);
      const unknown = { ...at.unknown, variables };
      return { ...loop, items: 'unknown', body: this.steps(step.steps, { ...site, prefix: `${at.key}[?]/`, unknown }) };
    }
    const keys = itemKeys(at.key, values);
    const variables = new Set([...at.unknown.variables].filter(name => name !== variable && name !== 'index'));
    const unknown = { ...at.unknown, variables };
    const items = values.map((value, index) => {
      const scope: Scope = { ...at.scope, variables: { ...at.scope.variables, [variable]: value }, index };
      return { value, steps: this.steps(step.steps, { ...site, prefix: `${keys[index]}/`, unknown, scope }) };
    });
    return { ...loop, items, body: [] };
  }

  #items(step: ForEachStep, at: At): Json[] | undefined {
    if (this.#knowable.template(step.in, at.unknown)) {
      try {
        const values = evaluateTemplate(step.in, at.scope);
        if (Array.isArray(values)) return values;
        const problem = `forEach needs a list, but this gives ${JSON.stringify(values)}.`;
        if (at.reached === true) this.#problems.add(step.pointer, at.key, problem);
      } catch (error) {
        if (at.reached === true) this.#problems.add(step.pointer, at.key, messageOf(error));
      }
    }
    if (at.reached !== false) this.#unknowns.add(step.pointer, at.key, 'its items are only known when it is reached.');
    return undefined;
  }
}

function both(one: When, other: When): When {
  if (one === false || other === false) return false;
  return one === true && other === true ? true : 'unknown';
}

function undoText(
  step: ActionStep,
  definition: ActionDefinition | undefined,
  values: JsonObject,
  told: (tell: () => string, otherwise: string) => string,
): string {
  if (step.rollback === 'none') return 'nothing, as `rollback: none` says';
  if (step.rollback) return `the ${step.rollback.length} steps of its \`rollback:\``;
  return told(() => {
    const undoClass = undoClassOf(definition!, values);
    if (undoClass === 'none') return 'nothing to undo';
    return definition!.undo ? definition!.describeUndo(values) : 'can not be undone';
  }, 'known when it is reached');
}

/** Sentences about steps; what holds for a step in every item of a loop is said once. */
class Said {
  readonly #said = new Map<string, { first: string; last: string; count: number; text: string }>();

  add(pointer: string, key: string, text: string): void {
    const id = `${pointer} ${text}`;
    const found = this.#said.get(id);
    if (!found) this.#said.set(id, { first: key, last: key, count: 1, text });
    else if (found.last !== key) {
      found.last = key;
      found.count++;
    }
  }

  all(): string[] {
    return [...this.#said.values()].map(({ first, count, text }) =>
      count > 1 ? `${first} (and ${count - 1} more like it): ${text}` : `${first}: ${text}`,
    );
  }
}
