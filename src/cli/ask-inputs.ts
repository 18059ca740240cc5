import { parseInput } from '../engine/input-text';
import { missingInputs } from '../engine/plan-inputs';
import type { Json, JsonObject } from '../runbook/json';
import type { InputDefinition, InputType } from '../runbook/model';
import { askChoice, askLine } from './ask';
import { type LoadedRunbook, unknownName } from './load';
import { paint, printable, type Terminal } from './terminal';

const hints: Partial<Record<InputType, string>> = {
  number: 'a number',
  list: 'a, b, c, or JSON',
  host: 'one host',
  hosts: 'hosts with commas between, group:NAME or tag:NAME',
  vm: 'one VM',
  vms: 'VMs with commas between, group:NAME or tag:NAME',
};

/** Asks for every input that has no value yet. Secrets are asked for by the run itself. undefined: the person gave up. */
export async function askInputs(
  loaded: LoadedRunbook,
  given: JsonObject,
  terminal: Terminal,
): Promise<JsonObject | undefined> {
  const inputs = { ...given };
  for (const { name, definition } of missingInputs(loaded.runbook, given)) {
    const value = await askInput(name, definition, terminal, value => {
      const problem = unknownName(loaded, name, value);
      return problem === undefined ? undefined : problem[0]!.toUpperCase() + problem.slice(1);
    });
    if (value === undefined) return undefined;
    inputs[name] = value;
  }
  return inputs;
}

async function askInput(
  name: string,
  definition: InputDefinition,
  terminal: Terminal,
  wrongWith: (value: Json) => string | undefined,
): Promise<Json | undefined> {
  const { prompt, description, type } = definition;
  const text = printable(prompt ?? description ?? name) + ((prompt ?? description) ? ` (${name})` : '');
  const allowed = definition.enum ?? (type === 'boolean' ? [true, false] : undefined);
  if (allowed) {
    const choices = allowed.map((value, at) => ({
      id: String(at),
      key: String(at + 1),
      label: printable(typeof value === 'string' ? value : JSON.stringify(value)),
    }));
    const chosen = await askChoice(terminal, text, choices);
    return chosen === undefined ? undefined : allowed[Number(chosen)];
  }
  const hint = hints[type] === undefined ? '' : paint(terminal, 'dim', ` [${hints[type]}]`);
  for (;;) {
    const line = await askLine(terminal, `${text}${hint}: `);
    if (line === undefined) return undefined;
    const { value, problem = value === undefined ? undefined : wrongWith(value) } = parseInput(definition, line);
    if (problem === undefined) return value;
    terminal.write(`${printable(problem)}\n`);
  }
}
