import type { NameKind } from './check-names';
import type { Json } from './json';
import type { InputDefinition } from './model';
import type { Report } from './report';
import { isSelection, schemaOfInput, typeOfInput } from './scope';
import { secretVariable } from './secret';
import { describeType, fitsSchema, typeOfValue, withArticle } from './value-type';
import { escapePointer } from './yaml-source';

/** A declared input. */
export function checkInput(report: Report, name: string, input: InputDefinition): void {
  const pointer = `/inputs/${escapePointer(name)}`;
  report.noTemplate(input.description, `${pointer}/description`);
  report.noTemplate(input.prompt, `${pointer}/prompt`);
  if (input.type !== 'secret' && input.env !== undefined) {
    const text = `Only a \`secret\` is read from the environment, and \`${name}\` is a \`${input.type}\`. Remove \`env\`.`;
    report.add('unknown-key', report.head(`${pointer}/env`), text);
  }
  const value = input.default;
  if (input.type === 'secret') {
    const key = value !== undefined ? 'default' : input.enum ? 'enum' : undefined;
    if (key)
      report.add(
        'secret-default',
        report.head(`${pointer}/${key}`),
        `What stands in the file is no secret. Remove \`${key}\`: \`${name}\` is taken from the environment variable \`${secretVariable(name, input.env)}\`, or asked for.`,
      );
    return;
  }
  if (value === undefined) return;
  const place = `${pointer}/default`;
  if (typeof value === 'string' && value.includes('${{')) {
    report.noTemplate(value, place);
    return;
  }
  checkInputValue(report, input, value, place, `The default of a \`${input.type}\` input`, 'The default');
}

/** A value that is given to an input: by its default, or by a call. */
export function checkInputValue(
  report: Report,
  input: InputDefinition,
  value: Json,
  place: string,
  what: string,
  short: string,
): void {
  const selection = isSelection(input);
  const expected = typeOfInput(input);
  if (value === null || !fitsSchema(typeOfValue(value), schemaOfInput(input))) {
    const wanted = selection
      ? 'a name, `group:NAME`, `tag:NAME`, or a list of them'
      : withArticle(describeType(expected));
    report.add('wrong-type', report.head(place), `${what} must be ${wanted}.`);
    return;
  }
  if (input.enum && !input.enum.some(choice => JSON.stringify(choice) === JSON.stringify(value))) {
    report.add('wrong-value', report.head(place), `${short} is not one of the values of \`enum\`.`);
  }
  const kind: NameKind | undefined = input.type.startsWith('host')
    ? 'host'
    : input.type.startsWith('vm')
      ? 'vm'
      : undefined;
  if (!kind) return;
  if (typeof value === 'string') report.name(kind, value, place, selection);
  else if (Array.isArray(value))
    for (const [index, item] of value.entries())
      if (typeof item === 'string') report.name(kind, item, `${place}/${index}`, true);
}
