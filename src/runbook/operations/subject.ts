import type { Json } from '../json';
import type { InputDefinition } from '../model';
import { isTemplate, wholeExpression } from '../template';

/**
 * What an expression or a name stands for, as far as it can be told before the run. Two of the same key are the same; of two others nothing is
 * known, unless both are written out.
 */
export interface Subject {
  key: string;
  /** It is this very name. */
  literal?: string;
  /** The expression that gives it. */
  source?: string;
}

/** A list to loop over: one key for each item that is written out, or one for all that an expression gives. */
export interface SubjectList {
  keys: readonly string[];
  /** The items, where all are written out. */
  literals?: readonly string[];
  /** As the run is started when nothing else is given: names and selectors. */
  byDefault?: readonly string[];
}

/** A VM that a step is about. */
export interface Vm extends Subject {
  /** Where it is an item of a list: what the list is known by outside of the loop. */
  list?: SubjectList;
  /** Depends on no loop. */
  fixed: boolean;
}

/** More items than this are not told apart: nobody could read a finding about them. */
const maxItems = 64;

/** What names stand for at a place: inputs, and the variables of the loops around it. */
export class Names {
  private constructor(
    /** Distinguishes one call of a runbook from another. */
    readonly file: string,
    /** The innermost loop: elsewhere the same expression may give something else. */
    readonly loop: string,
    readonly inputs: ReadonlyMap<string, Vm | SubjectList>,
    readonly variables: ReadonlyMap<string, Vm>,
  ) {}

  /** Of a runbook; `given`: what its caller gives to its inputs. `file`: unlike that of any other place that it is called from. */
  static of(
    inputs: Readonly<Record<string, InputDefinition>>,
    file = '',
    given: ReadonlyMap<string, Vm | SubjectList> = new Map(),
  ): Names {
    const known = new Map<string, Vm | SubjectList>();
    for (const [name, input] of Object.entries(inputs)) {
      const key = `${file}inputs.${name}`;
      const byDefault = [input.default ?? []].flat().filter(item => typeof item === 'string');
      known.set(
        name,
        given.get(name) ??
          (input.type === 'vms' || input.type === 'hosts' || input.type === 'list'
            ? { keys: [`each ${key}`], byDefault }
            : { key, source: `inputs.${name}`, fixed: true }),
      );
    }
    return new Names(file, '', known, new Map());
  }

  inLoop(pointer: string, variable: string, list: SubjectList): Names {
    const loop = `${this.file}${pointer}`;
    const variables = new Map(this.variables);
    variables.set(variable, { key: `${variable}@${loop}`, source: variable, list, fixed: false });
    return new Names(this.file, loop, this.inputs, variables);
  }

  /** What a value names. */
  one(value: Json | undefined): Vm | undefined {
    if (typeof value !== 'string' || value === '') return undefined;
    if (!isTemplate(value)) return { key: `=${value}`, literal: value, fixed: true };
    const source = wholeExpression(value)?.source.trim();
    const known = source === undefined ? undefined : this.#named(source);
    if (known) return 'keys' in known ? undefined : known;
    return {
      key: `${source ?? value}@${this.file}@${this.loop}`,
      ...(source !== undefined && { source }),
      fixed: false,
    };
  }

  list(value: Json | undefined): SubjectList {
    if (Array.isArray(value)) {
      if (value.length > maxItems) return { keys: [] };
      const items = value.flatMap(item => this.one(item) ?? []);
      const literals = items.flatMap(({ literal }) => literal ?? []);
      return { keys: items.map(({ key }) => key), ...(literals.length === value.length && { literals }) };
    }
    if (typeof value !== 'string') return { keys: [] };
    const source = wholeExpression(value)?.source.trim();
    const known = source === undefined ? undefined : this.#named(source);
    if (known && 'keys' in known) return known;
    return { keys: [`each ${source ?? value}@${this.file}@${this.loop}`] };
  }

  #named(source: string): Vm | SubjectList | undefined {
    const input = /^inputs\.([A-Za-z_][\w-]*)$/.exec(source)?.[1];
    return input === undefined ? this.variables.get(source) : this.inputs.get(input);
  }
}

/** Whether two may be the same: they are known not to be only where both are written out, and alike: as names or as uuids. */
export function mayBeSame(one: Vm, other: Vm): boolean {
  if (one.key === other.key) return true;
  const left = namesOf(one);
  const right = namesOf(other);
  if (!left || !right) return true;
  return left.some(name => right.some(there => name === there || isUuid(name) !== isUuid(there)));
}

function namesOf(vm: Vm): readonly string[] | undefined {
  return vm.literal === undefined ? vm.list?.literals : [vm.literal];
}

function isUuid(name: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(name);
}
