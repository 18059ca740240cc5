import type { Json } from '../runbook/json';
import { stepKey } from './keys';
import type { Outer, Place } from './place';
import type { Change, StepAt } from './stop-points';

/** From the step to what holds it, and on to the run; innermost first. */
export function framesOf(at: StepAt): StepAt[] {
  const frames = [at];
  for (let outer = at.place.outer; outer; outer = outer.place.outer) frames.push(outer);
  return frames;
}

/** The item or branch with a thread of its own that this is in; undefined: the run. */
export function threadOf(place: Place): Outer | undefined {
  let outer = place.outer;
  while (outer && outer.beside === undefined) outer = outer.place.outer;
  return outer;
}

/** How many lists of steps are around this one. */
export function depthOf(place: Place): number {
  let depth = 0;
  for (let outer = place.outer; outer; outer = outer.place.outer) depth++;
  return depth;
}

/** Places of this thread, innermost first: what others see side by side is not among them. */
export function ownPlaces(place: Place): Place[] {
  const places = [place];
  for (let outer = place.outer; outer && outer.beside === undefined; outer = outer.place.outer) {
    places.push(outer.place);
  }
  return places;
}

/** The key of a step without the rounds of what was stepped back over: the same however often it is done. */
export function plainKey(place: Place, step: StepAt['step']): string {
  return stepKey(plainPrefix(place), step);
}

function plainPrefix({ outer, prefix }: Place): string {
  if (!outer) return prefix;
  const item = outer.item === undefined ? '' : outer.item.slice(outer.key.length);
  return `${plainKey(outer.place, outer.step)}${item}/`;
}

/** What a path of `FrameScope.editable` leads to in this list; undefined: nothing. */
export function valueAt({ scope }: Place, path: readonly string[]): Json | undefined {
  const [kind, name, , output] = path;
  if (name === undefined) return undefined;
  if (kind === 'inputs') return own(scope.inputs, name);
  if (kind === 'variables') return own(scope.variables ?? {}, name);
  if (kind !== 'steps' || output === undefined || !Object.hasOwn(scope.steps, name)) return undefined;
  return own(scope.steps[name]!.outputs, output);
}

/** Changes it in that list and in all of this thread that see the very same; never in place, as others may see it side by side. */
export function applyChange(place: Place, { frame, path, value }: Pick<Change, 'frame' | 'path' | 'value'>): void {
  const places = ownPlaces(place);
  const scope = places[frame]?.scope;
  const [kind, name, , output] = path;
  if (!scope || name === undefined) return;
  const scopes = new Set(places.map(one => one.scope));
  switch (kind) {
    case 'inputs': {
      const was = scope.inputs;
      const inputs = { ...was, [name]: value };
      for (const one of scopes) if (one.inputs === was) one.inputs = inputs;
      return;
    }
    case 'variables': {
      const was = scope.variables?.[name];
      for (const one of scopes) {
        if (one.variables && Object.hasOwn(one.variables, name) && one.variables[name] === was) {
          one.variables = { ...one.variables, [name]: value };
        }
      }
      return;
    }
    case 'steps': {
      const was = scope.steps[name];
      if (!was || output === undefined) return;
      const outputs = { ...was.outputs, [output]: value };
      for (const one of scopes) {
        // A list of steps keeps its own table: items copy it.
        if (one.steps[name] === was) one.steps = { ...one.steps, [name]: { outputs } };
      }
    }
  }
}

function own(values: Record<string, Json>, name: string): Json | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}
