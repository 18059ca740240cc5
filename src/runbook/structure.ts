import type { ErrorObject } from 'ajv';
import type { Diagnostic } from './diagnostic';
import { nearest } from './did-you-mean';
import type { Json } from './json';
import { isCall, stepKinds } from './read-runbook';
import { diagnostic, type RuleCode } from './rules';
import { type RunbookSchema, templatePattern } from './schema';
import { schemasAt } from './schema-lookup';
import { describeSchema } from './value-type';
import { escapePointer, unescapePointer, type YamlSource } from './yaml-source';

/** What validators say, as one diagnostic per mistake: a sentence at the exact place. */
export function structureDiagnostics(errors: ErrorObject[], root: RunbookSchema, source: YamlSource): Diagnostic[] {
  const byPlace = new Map<string, ErrorObject[]>();
  for (const error of errors) {
    if (error.keyword === 'if' || isTemplatePattern(error)) continue;
    const place = byPlace.get(error.instancePath);
    if (place) place.push(error);
    else byPlace.set(error.instancePath, [error]);
  }
  const places = [...byPlace.keys()].sort();
  return places.flatMap((pointer, index) => {
    const found = byPlace.get(pointer)!;
    const keys = found.filter(
      error =>
        error.keyword === 'required' || error.keyword === 'additionalProperties' || error.keyword === 'discriminator',
    );
    const values = found.filter(error => !keys.includes(error));
    const explorer = new Place(pointer, root, source);
    // An alternative that fails as a whole is explained by what is wrong inside it, unless it has the wrong type altogether.
    const deeper = places[index + 1]?.startsWith(`${pointer}/`) === true;
    if (values.length > 0 && !(deeper && values.some(error => error.keyword === 'anyOf')))
      return explorer.wrongValue(values);
    return withoutConsequences(dedupe(keys).map(error => ({ error, made: explorer.wrongKey(error) })));
  });
}

/** A mistyped key is one mistake, although the right one is then missing as well. */
function withoutConsequences(found: { error: ErrorObject; made: Diagnostic }[]): Diagnostic[] {
  const meant = new Set(
    found.flatMap(({ error, made }) => (error.keyword === 'additionalProperties' ? (made.suggestions ?? []) : [])),
  );
  // What decides between alternatives is asked for once, with its choices.
  for (const { error } of found)
    if (error.keyword === 'discriminator') meant.add((error.params as { tag: string }).tag);
  return found
    .filter(
      ({ error }) =>
        error.keyword !== 'required' || !meant.has((error.params as { missingProperty: string }).missingProperty),
    )
    .map(({ made }) => made);
}

/** That a value is no template either is not worth saying: nearly nothing is. */
function isTemplatePattern(error: ErrorObject): boolean {
  return error.keyword === 'pattern' && (error.params as { pattern: string }).pattern === templatePattern;
}

class Place {
  readonly #path: string[];
  readonly #data: Json[];

  constructor(
    readonly pointer: string,
    readonly root: RunbookSchema,
    readonly source: YamlSource,
  ) {
    this.#path = pointer === '' ? [] : pointer.slice(1).split('/').map(unescapePointer);
    this.#data = [source.data ?? null];
    for (const part of this.#path) {
      const above = this.#data.at(-1)!;
      this.#data.push(
        (Array.isArray(above)
          ? above[Number(part)]
          : above !== null && typeof above === 'object'
            ? above[part]
            : null) ?? null,
      );
    }
  }

  get #schemas(): RunbookSchema[] {
    return schemasAt(this.root, this.#path, depth => this.#data[depth]);
  }

  get #value(): Json {
    return this.#data.at(-1)!;
  }

  /** How this place is called in a sentence. */
  get #name(): string {
    const last = this.#path.at(-1);
    if (last === undefined) return 'The file';
    if (/^\d+$/.test(last)) return this.#isStep ? 'A step' : `Item ${Number(last) + 1} of \`${this.#path.at(-2)}\``;
    return `\`${last}\``;
  }

  get #isStep(): boolean {
    return /^\d+$/.test(this.#path.at(-1) ?? '') && stepLists.includes(this.#path.at(-2));
  }

  wrongValue(errors: ErrorObject[]): Diagnostic[] {
    const schemas = this.#schemas;
    const value = this.#value;
    const wanted =
      schemas.find(schema => schema.wanted)?.wanted ?? [...new Set(schemas.map(describeSchema))].join(' or ');
    const rule = schemas.find(schema => schema.rule)?.rule as RuleCode | undefined;
    const found = describeFound(value);
    const range = this.source.valueRange(this.pointer) ?? { start: 0, end: 0 };
    // A wrong type of a whole block is said at its key, not underlined over many lines.
    const short = value !== null && typeof value === 'object' ? (this.source.headRange(this.pointer) ?? range) : range;
    const bound = errors.find(
      error => error.keyword === 'minimum' || error.keyword === 'maximum' || error.keyword === 'exclusiveMinimum',
    );
    if (bound) {
      const { comparison, limit } = bound.params as { comparison: string; limit: number };
      const words =
        comparison === '>='
          ? 'at least'
          : comparison === '<='
            ? 'at most'
            : comparison === '>'
              ? 'more than'
              : 'less than';
      return [diagnostic('wrong-value', range, `${this.#name} must be ${words} ${limit}.`)];
    }
    if (errors.some(error => error.keyword === 'minItems')) {
      return [
        diagnostic(
          'wrong-value',
          short,
          `${this.#name} is empty. Add at least one ${stepLists.includes(this.#path.at(-1)) ? 'step.' : 'item, or remove it.'}`,
        ),
      ];
    }
    if (errors.some(error => error.keyword === 'minLength')) {
      return [diagnostic('wrong-value', range, `${this.#name} is empty. Write ${withArticle(wanted)}.`)];
    }
    if (rule === 'wrong-version')
      return [diagnostic(rule, range, `This Virtbook reads \`version: 1\`, but this says ${found}.`, ['1'])];
    const choices = schemas.flatMap(schema => schema.enum ?? (schema.const !== undefined ? [schema.const] : []));
    if (
      choices.length > 0 &&
      !schemas.some(schema => schema.wanted) &&
      typeof value === 'string' &&
      choices.every(choice => typeof choice === 'string')
    ) {
      return [
        diagnostic(
          'wrong-value',
          range,
          `${this.#name} must be ${describeChoices(choices)}, not \`${value}\`.`,
          nearest(value, choices as string[]),
        ),
      ];
    }
    if (value === null)
      return [
        diagnostic(
          rule ?? 'wrong-type',
          range,
          `${this.#name} is empty. Write ${needed(schemas[0]) ?? withArticle(wanted)}, or remove it.`,
        ),
      ];
    const pattern = errors.find(error => error.keyword === 'pattern');
    if (pattern && typeof value === 'string') {
      const needed = schemas.some(schema => schema.wanted)
        ? wanted
        : `text that matches ${String((pattern.params as { pattern: string }).pattern)}`;
      return [diagnostic(rule ?? 'wrong-value', range, `${this.#name} must be ${needed}, not \`${value}\`.`)];
    }
    const typed = errors.some(error => ['type', 'anyOf', 'const', 'enum'].includes(error.keyword));
    if (!typed) return [diagnostic('wrong-value', short, `${this.#name} is not allowed: it must be ${wanted}.`)];
    const quote =
      wanted === 'string' && (typeof value === 'number' || typeof value === 'boolean')
        ? ` Quote it: "${String(value)}".`
        : '';
    return [
      diagnostic('wrong-type', short, `${this.#name} must be ${withArticle(wanted)}, but this is ${found}.${quote}`),
    ];
  }

  wrongKey(error: ErrorObject): Diagnostic {
    if (error.keyword === 'discriminator') return this.#wrongTag(error);
    if (error.keyword === 'required')
      return this.#missing((error.params as { missingProperty: string }).missingProperty);
    return this.#unknown((error.params as { additionalProperty: string }).additionalProperty);
  }

  #wrongTag(error: ErrorObject): Diagnostic {
    const { tag } = error.params as { tag: string };
    const pointer = `${this.pointer}/${tag}`;
    const object = this.#value as Record<string, Json>;
    const written = object[tag];
    const names = this.#schemas.map(schema => schema.properties?.[tag]?.const).filter(name => typeof name === 'string');
    const isAction = tag === 'uses';
    const range = this.source.valueRange(pointer) ?? this.source.headRange(this.pointer) ?? { start: 0, end: 0 };
    if (typeof written !== 'string') {
      const text = isAction
        ? '`uses` needs the name of an action, e.g. `uses: vm.snapshot`.'
        : `\`${tag}\` must be ${describeChoices(names)}.`;
      return diagnostic(written === undefined ? 'missing-key' : 'wrong-type', range, text);
    }
    const suggestions = nearest(written, names);
    if (isAction && /\.ya?ml$/i.test(written)) {
      const path = `./${written.replaceAll('\\', '/').replace(/^\/+/, '')}`;
      const text = `To call a runbook, write its path relative to this file: \`${path}\`.`;
      return diagnostic('unknown-action', range, text, [path]);
    }
    const hint =
      suggestions.length > 0
        ? ` Did you mean ${describeChoices(suggestions)}?`
        : ` There are ${describeChoices(names, 'and')}.`;
    return diagnostic(
      isAction ? 'unknown-action' : 'wrong-value',
      range,
      `There is no ${isAction ? 'action' : tag} \`${written}\`.${hint}`,
      suggestions,
    );
  }

  #missing(key: string): Diagnostic {
    const [schema] = this.#schemas;
    const range = this.source.headRange(this.pointer) ?? { start: 0, end: 0 };
    const parent = this.#path.at(-1);
    if (this.#path.length === 0) {
      return diagnostic(
        'missing-key',
        { start: 0, end: firstLine(this.source.text) },
        `The file needs \`${key}:\`.${describe(schema?.properties?.[key])}`,
      );
    }
    const step = this.#stepAction();
    if (key === 'uses') {
      const mistyped = Object.keys(this.#value as object).find(
        name => !Object.hasOwn(schema?.properties ?? {}, name) && nearest(name, stepKinds).length > 0,
      );
      if (mistyped !== undefined) return this.#unknown(mistyped);
      return diagnostic(
        'missing-key',
        this.#headOfStep(),
        `A step needs \`uses: ACTION\`, or one of ${describeChoices(stepKinds.filter(kind => kind !== 'uses'))}.`,
      );
    }
    if (key === 'with' && step) {
      const inputs =
        schemasAt(this.root, [...this.#path, 'with'], depth => this.#data[depth] ?? null)[0]?.required ?? [];
      const uses = this.source.valueRange(`${this.pointer}/uses`) ?? range;
      return diagnostic(
        'missing-key',
        uses,
        `\`${step}\` needs \`with:\` with ${inputs.map(name => `\`${name}\``).join(', ')}.`,
      );
    }
    const what = parent === 'with' ? `\`${this.#stepAction(1) ?? 'This action'}\`` : this.#name;
    const property = schema?.properties?.[key];
    return diagnostic(
      'missing-key',
      /^\d+$/.test(parent ?? '') ? this.#headOfStep() : range,
      `${what} needs \`${key}\`.${describe(property)}`,
    );
  }

  #unknown(key: string): Diagnostic {
    const range = this.source.keyRange(`${this.pointer}/${escapePointer(key)}`) ??
      this.source.headRange(this.pointer) ?? { start: 0, end: 0 };
    const [schema] = this.#schemas;
    const known = Object.keys(schema?.properties ?? {});
    const present = Object.keys(this.#value as object);
    const patterns = Object.keys(schema?.patternProperties ?? {});
    const kind = this.#isStep ? stepKinds.find(name => present.includes(name) && known.includes(name)) : undefined;
    if (kind && (stepKinds as readonly string[]).includes(key)) {
      const inside = kind === 'uses' || kind === 'steps' ? key : kind;
      const hint = ['forEach', 'parallel', 'steps'].includes(inside)
        ? `Put \`${inside === key ? kind : key}\` in a step under \`${inside === 'parallel' ? 'parallel' : 'steps'}:\`.`
        : 'Make two steps of it.';
      return diagnostic('unknown-key', range, `A step has either \`${kind}\` or \`${key}\`. ${hint}`);
    }
    if (this.#isStep && this.#stepAction() !== undefined && isCall(this.#stepAction()!)) {
      return diagnostic(
        'unknown-key',
        range,
        `A step that calls a runbook has no \`${key}\`. Write it at the steps of that runbook, or remove it.`,
        nearest(
          key,
          known.filter(name => !present.includes(name)),
        ),
      );
    }
    const suggestions = nearest(
      key,
      known.filter(name => !present.includes(name)),
    );
    if (known.length === 0 && patterns.length > 0) {
      return diagnostic(
        'bad-id',
        range,
        `\`${key}\` can't be named in an expression. Use letters, digits, \`_\` and \`-\`, a letter first.`,
      );
    }
    if (this.#path.at(-1) === 'forEach') {
      return diagnostic(
        'bad-id',
        range,
        `\`${key}\` can't name a loop variable. Use letters, digits and \`_\`, a letter first.`,
      );
    }
    const action = this.#path.at(-1) === 'with' ? this.#stepAction(1) : undefined;
    const where = action
      ? `\`${action}\` has no input`
      : this.#path.length === 0
        ? 'There is no key'
        : `${this.#name} has no key`;
    const hint =
      suggestions.length > 0
        ? ` Did you mean ${describeChoices(suggestions)}?`
        : known.length === 0
          ? ' Remove it.'
          : ` It has ${describeChoices(known, 'and')}.`;
    return diagnostic('unknown-key', range, `${where} \`${key}\`.${hint}`, suggestions);
  }

  /** Name of the action of the step that is `up` levels above. */
  #stepAction(up = 0): string | undefined {
    const step = this.#data.at(-1 - up);
    const uses = step !== null && typeof step === 'object' && !Array.isArray(step) ? step?.uses : undefined;
    return typeof uses === 'string' ? uses : undefined;
  }

  #headOfStep() {
    const [first] = Object.keys(this.#value as object);
    return (
      (first === undefined ? undefined : this.source.keyRange(`${this.pointer}/${escapePointer(first)}`)) ??
      this.source.headRange(this.pointer) ?? { start: 0, end: 0 }
    );
  }
}

function needed(schema: RunbookSchema | undefined): string | undefined {
  const keys = schema?.wanted === undefined ? (schema?.required ?? []) : [];
  return keys.length === 0 ? undefined : `a map with ${describeChoices(keys, 'and')}`;
}

/** Keys that hold a list of steps. */
const stepLists: readonly (string | undefined)[] = ['steps', 'rollback', 'parallel', 'finally'];

function describe(schema: RunbookSchema | undefined): string {
  return schema?.description ? ` ${schema.description}` : '';
}

function describeChoices(values: readonly Json[], word = 'or'): string {
  const names = values.map(value => `\`${String(value)}\``);
  const last = names.pop();
  return names.length === 0 ? (last ?? '') : `${names.join(', ')} ${word} ${last}`;
}

function describeFound(value: Json): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  switch (typeof value) {
    case 'object':
      return 'a map';
    case 'string':
      return value.length > 40 ? 'a string' : `the string "${value}"`;
    default:
      return `the ${typeof value} ${value}`;
  }
}

function withArticle(wanted: string): string {
  return /^(a|an|one of|the|letters|days) |^`/.test(wanted) ? wanted : `a ${wanted}`;
}

function firstLine(text: string): number {
  const end = text.search(/\r?\n/);
  return end < 0 ? text.length : end;
}

function dedupe(errors: ErrorObject[]): ErrorObject[] {
  const seen = new Set<string>();
  return errors.filter(error => {
    const key = JSON.stringify([error.keyword, error.params]);
    return !seen.has(key) && seen.add(key);
  });
}
