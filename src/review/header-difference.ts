import type { Json, JsonObject } from '../runbook/json';
import type { InputDefinition, Runbook } from '../runbook/model';
import { limitNames } from '../runbook/read-runbook';
import { secretMark } from '../runbook/secret';
import { escapePointer } from '../runbook/yaml-source';
import type { FoundDifference } from './difference-list';
import { changeText, fieldDifferences, own, valueText } from './field-difference';
import { sameMeaning } from './names-that-follow';
import { type Effect, effectOf } from './safeguards';
import type { FollowedNames } from './step-difference';
import { hoursChange } from './window-difference';

type Add = (found: FoundDifference) => void;

/** What two versions of a runbook say differently above their steps. */
export function headerDifferences(base: Runbook, head: Runbook, names: FollowedNames, add: Add): void {
  for (const [kind, title] of [
    ['name', 'Name'],
    ['description', 'Description'],
    ['inventory', 'Inventory'],
  ] as const) {
    const [before, after] = [base[kind] || undefined, head[kind] || undefined];
    if (before === after) continue;
    add({ kind, field: kind, before, after, text: `${title} ${changeText(before, after)}`, at: atBoth([`/${kind}`]) });
  }
  inputDifferences(base, head, names, add);
  outputDifferences(base, head, names, add);
  for (const name of limitNames) {
    const [before, after] = [base.limits?.[name], head.limits?.[name]];
    if (before === after) continue;
    const unbounded = Number.POSITIVE_INFINITY;
    const effect = effectOf(-(before ?? unbounded), -(after ?? unbounded));
    const text = `Limit ${name} ${changeText(before, after)}`;
    add({
      kind: 'limit',
      field: `limits.${name}`,
      before,
      after,
      text,
      effect,
      at: atBoth([`/limits/${name}`, '/limits']),
    });
  }
  windowDifferences(base, head, add);
}

/** An input that is called otherwise is told as one difference: by its name at the base, what it is called at the head. */
function inputDifferences(base: Runbook, head: Runbook, names: FollowedNames, add: Add): void {
  const { inputs: renamed } = names.renames;
  const newNames = new Set(renamed.values());
  for (const [name, input] of Object.entries(head.inputs)) {
    if (newNames.has(name) || Object.hasOwn(base.inputs, name)) continue;
    const after = inputValue(name, input);
    const text = `Input ${name} added: ${inputText(after)}`;
    add({ kind: 'input', field: `inputs.${name}`, after, text, at: { base: [], head: [inputPointer(name)] } });
  }
  for (const [name, input] of Object.entries(base.inputs)) {
    const before = inputValue(name, input);
    const newName = renamed.get(name) ?? name;
    const other = own(head.inputs, newName);
    if (!other || (newName === name && newNames.has(name))) {
      const text = `Input ${name} removed (was ${inputText(before)})`;
      add({ kind: 'input', field: `inputs.${name}`, before, text, at: { base: [inputPointer(name)], head: [] } });
      continue;
    }
    if (newName !== name) {
      const at = { base: [inputPointer(name)], head: [inputPointer(newName)] };
      add({
        kind: 'input',
        field: 'inputs',
        before: name,
        after: newName,
        text: `Input ${name} is called ${newName} now`,
        at,
      });
    }
    for (const one of fieldDifferences(inputValue(newName, input, other), inputValue(newName, other, input))) {
      if (sameMeaning(one.before, one.after, names.renames)) continue;
      const [part] = one.field.split('.');
      const at = {
        base: [`${inputPointer(name)}/${part}`, inputPointer(name)],
        head: [`${inputPointer(newName)}/${part}`, inputPointer(newName)],
      };
      const text = `Input ${newName}: ${one.field} ${changeText(one.before, one.after)}`;
      const field = `inputs.${newName}.${one.field}`;
      const { before: was, after: is } = one;
      add({ kind: 'input', field, before: was, after: is, text, at, effect: secretEffect(one.field, input, other) });
    }
  }
}

/** What is no secret any more is written down. */
function secretEffect(field: string, before: InputDefinition, after: InputDefinition): Effect {
  if (field !== 'type') return 'neutral';
  return effectOf(before.type === 'secret' ? 1 : 0, after.type === 'secret' ? 1 : 0);
}

function inputPointer(name: string): string {
  return `/inputs/${escapePointer(name)}`;
}

/** As plain data; of what is a secret on either side no value: what was one may be one still. */
function inputValue(name: string, input: InputDefinition, other: InputDefinition = input): JsonObject {
  const { type, description, default: given, enum: values, prompt, env } = input;
  const isSecret = type === 'secret' || other.type === 'secret';
  return {
    type,
    ...(description !== undefined && { description }),
    ...(given !== undefined && { default: isSecret ? secretMark(name) : given }),
    ...(values !== undefined && !isSecret && { enum: values }),
    ...(prompt !== undefined && { prompt }),
    ...(env !== undefined && { env }),
  };
}

function inputText(input: JsonObject): string {
  return input.default === undefined ? `${input.type}` : `${input.type}, default ${valueText(input.default)}`;
}

function outputDifferences(base: Runbook, head: Runbook, names: FollowedNames, add: Add): void {
  const [one, other] = [base.outputs ?? {}, head.outputs ?? {}];
  for (const name of new Set([...Object.keys(other), ...Object.keys(one)])) {
    const [before, after] = [own(one, name), own(other, name)];
    if (sameMeaning(before, after, names.renames, names.followed)) continue;
    const text = `Output ${name} ${changeText(before, after)}`;
    add({
      kind: 'output',
      field: `outputs.${name}`,
      before,
      after,
      text,
      at: atBoth([`/outputs/${escapePointer(name)}`, '/outputs']),
    });
  }
}

function windowDifferences({ window: base }: Runbook, { window: head }: Runbook, add: Add): void {
  if (!base && !head) return;
  if (!base || !head) {
    const [before, after] = [base, head].map(window => window && (window as unknown as Json)) as [Json?, Json?];
    const { allow, zone } = (base ?? head)!;
    const text = `Window ${base ? 'removed' : 'added'}: ${allow.join(', ')} ${zone}`;
    add({
      kind: 'window',
      field: 'window',
      before,
      after,
      text,
      effect: base ? 'riskier' : 'safer',
      at: atBoth(['/window']),
    });
    return;
  }
  const hours = hoursChange(base.allow, head.allow);
  if (hours !== 'same') {
    const effect = hours === 'wider' ? 'riskier' : hours === 'narrower' ? 'safer' : 'neutral';
    const words = hours === 'other' ? '' : ` (${hours})`;
    windowField('allow', base.allow, head.allow, `${changeText(base.allow, head.allow)}${words}`, effect, add);
  }
  if (base.zone !== head.zone)
    windowField('zone', base.zone, head.zone, changeText(base.zone, head.zone), 'neutral', add);
  if (base.outside !== head.outside)
    windowField('outside', base.outside, head.outside, changeText(base.outside, head.outside), 'neutral', add);
  if (base.closing !== head.closing) {
    const effect = effectOf(base.closing === 'ignore' ? 0 : 1, head.closing === 'ignore' ? 0 : 1);
    windowField('closing', base.closing, head.closing, changeText(base.closing, head.closing), effect, add);
  }
}

function windowField(name: string, before: Json, after: Json, text: string, effect: Effect, add: Add): void {
  const at = atBoth([`/window/${name}`, '/window']);
  add({ kind: 'window', field: `window.${name}`, before, after, text: `Window: ${name} ${text}`, effect, at });
}

function atBoth(pointers: readonly string[]): FoundDifference['at'] {
  return { base: pointers, head: pointers };
}
