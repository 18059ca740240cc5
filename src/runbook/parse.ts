import publishedSchema from '../../schemas/runbook.schema.json';
import type { Diagnostic } from './diagnostic';
import { validateRunbook } from './generated/validate-runbook';
import type { Json } from './json';
import { everyStep, type Runbook, type Step } from './model';
import { asObject, forEachSettings, readRunbook } from './read-runbook';
import { diagnostic } from './rules';
import type { RunbookSchema } from './schema';
import { structureDiagnostics } from './structure';
import { YamlSource } from './yaml-source';

/** The schema that `validateRunbook` was made from. */
export const schema = publishedSchema as unknown as RunbookSchema;

export interface ParsedRunbook {
  /** Only when nothing in `diagnostics` is an error. Whether it may be run is for `checkRunbook` to say. */
  runbook?: Runbook;
  /** What could be understood, however broken the rest is: for checks and the editor, never to be run. */
  draft: Runbook;
  data: Json | undefined;
  /** Syntax and structure. `checkRunbook` adds what needs actions and inventory. */
  diagnostics: Diagnostic[];
  /** The way between JSON pointers and places in the text. */
  source: YamlSource;
}

/**
 * Reads a runbook. Never throws, whatever the text. `previous`: an earlier version of the same text; the result is the same without it, and takes
 * longer.
 */
export function parseRunbook(text: string, previous?: ParsedRunbook): ParsedRunbook {
  const source = new YamlSource(text, previous?.source);
  const diagnostics = [...source.diagnostics];
  const draft = readRunbook(source.data);
  if (source.data === undefined) {
    if (diagnostics.length === 0) {
      diagnostics.push(
        diagnostic(
          'empty-file',
          { start: 0, end: text.length },
          'There is no runbook here yet. Start with `version: 1`, `name:` and `steps:`.',
        ),
      );
    }
  } else {
    // Broken YAML is half understood at best: its structure is judged only once it can be read.
    if (diagnostics.every(item => item.code !== 'yaml-syntax')) {
      const errors = validateRunbook(source.data);
      if (errors) diagnostics.push(...structureDiagnostics(errors, schema, source));
    }
    loopVariables(draft, source, diagnostics);
  }
  const broken = diagnostics.some(item => item.severity === 'error');
  return { ...(broken ? {} : { runbook: draft }), draft, data: source.data, diagnostics, source };
}

/** `forEach` has exactly one loop variable, which a schema can't say. */
function loopVariables(draft: Runbook, source: YamlSource, diagnostics: Diagnostic[]): void {
  for (const step of [...draft.steps, ...(draft.finally ?? [])]) {
    if (soundLoops.has(step)) continue;
    const before = diagnostics.length;
    for (const inner of everyStep({ steps: [step] })) loopVariable(inner, source, diagnostics);
    if (diagnostics.length === before) soundLoops.add(step);
  }
}

/** Steps whose loops have been looked at, with those inside. A step that has not changed since the last version is the same. */
const soundLoops = new WeakSet<Step>();

function loopVariable(step: Step, source: YamlSource, diagnostics: Diagnostic[]): void {
  if (step.kind !== 'forEach') return;
  const pointer = `${step.pointer}/forEach`;
  const data = dataAt(source.data, pointer);
  if (data === null || typeof data !== 'object' || Array.isArray(data)) return;
  const names = Object.keys(asObject(data)).filter(key => !(forEachSettings as readonly string[]).includes(key));
  if (names.length === 1) return;
  const range = source.headRange(pointer) ?? { start: 0, end: 0 };
  if (names.length === 0) {
    diagnostics.push(
      diagnostic(
        'missing-key',
        range,
        '`forEach` needs a loop variable and its list, e.g. `forEach: { vm: "${{ inputs.vms }}" }`.',
      ),
    );
  } else {
    const second = source.keyRange(`${pointer}/${names[1]}`) ?? range;
    diagnostics.push(
      diagnostic(
        'unknown-key',
        second,
        `\`forEach\` has one loop variable, and it is \`${names[0]}\` already. Remove \`${names[1]}\`, or nest a second \`forEach\`.`,
      ),
    );
  }
}

function dataAt(data: Json | undefined, pointer: string): Json | undefined {
  let value = data;
  for (const part of pointer.slice(1).split('/')) {
    if (Array.isArray(value)) value = value[Number(part)];
    else value = asObject(value)[part];
  }
  return value;
}
