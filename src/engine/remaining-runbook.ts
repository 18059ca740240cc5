import { Document, isMap, type YAMLMap } from 'yaml';
import type { Json, JsonObject } from '../runbook/json';
import { secretMark, secretMarks } from '../runbook/secret';
import type { RunView } from './view';

export const remainingName = 'remaining.runbook.yaml';

/**
 * What a run has left, as the text of a runbook that does it: each step says in a comment what it is and why it is left. Steps come in the
 * order in which the run would have done them. What no step can do stays a comment. undefined: nothing of it is a step.
 */
export function remainingRunbook(
  run: Pick<RunView, 'runId' | 'name' | 'plan' | 'runbookPath' | 'inventoryPath' | 'remaining'>,
): string | undefined {
  const secrets = run.plan.secrets ?? [];
  const steps: { data: JsonObject; comment: string }[] = [];
  /** Comments on what is no step, which stand before the next one. */
  let byHand: string[] = [];
  const needed = new Set<string>();
  for (const one of run.remaining) {
    const what = [`${one.key}: ${one.text}`, one.why];
    const values = one.step && withInputs(one.step.with, secrets, needed);
    if (!one.step || values === undefined) {
      const hint = one.step && 'Its inputs hold a secret in another form, which is not kept: write this step by hand.';
      byHand.push(...(byHand.length > 0 ? [''] : []), 'By hand:', ...what, ...(hint ? [hint] : []));
      continue;
    }
    steps.push({
      data: { uses: one.step.uses, with: values, rollback: 'none' },
      comment: [...byHand, ...(byHand.length > 0 ? [''] : []), ...what].join('\n'),
    });
    byHand = [];
  }
  if (steps.length === 0) return undefined;
  const document = new Document({
    version: 1,
    name: `What is left of ${run.name}`.replaceAll('${{', () => '$${{'),
    description: `Run ${run.runId} needed a person.`,
    ...(run.inventoryPath !== undefined && { inventory: run.inventoryPath }),
    ...(needed.size > 0 && {
      inputs: Object.fromEntries([...needed].map(name => [name, secretInput(run, name)])),
    }),
    steps: steps.map(step => step.data),
  });
  document.commentBefore = comment([
    `What run ${run.runId} of ${run.runbookPath} could not do, made from its journal.`,
    'Look at each step, take out what has been put right by hand, then:',
    `  virtbook release ${run.runId}     # gives back the locks that the run still has`,
    `  virtbook run ${remainingName}`,
    'Undoing what is undone already changes nothing, so this may be run again.',
  ]);
  const list = document.get('steps') as { items: unknown[] };
  list.items.forEach((item, at) => {
    if (isMap(item)) (item as YAMLMap).commentBefore = comment(steps[at]!.comment.split('\n'));
  });
  if (byHand.length > 0) document.comment = comment(byHand);
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

function secretInput(run: Pick<RunView, 'plan'>, name: string): JsonObject {
  const { inputs } = run.plan.program;
  const definition = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
  return {
    type: 'secret',
    ...(definition?.description !== undefined && { description: definition.description }),
    ...(definition?.prompt !== undefined && { prompt: definition.prompt }),
    ...(definition?.env !== undefined && { env: definition.env }),
  };
}

/** Values as a runbook says them: what looks like a template stays text, marks of secrets become inputs. undefined: a mark that can't. */
function withInputs(values: JsonObject, secrets: readonly string[], needed: Set<string>): JsonObject | undefined {
  const found = new Set<string>();
  let whole = true;
  const text = (value: string): string => {
    const escaped = value
      .replaceAll('${{', () => '$${{')
      .replace(secretMarks(), (mark, name: string) => {
        if (!secrets.includes(name)) return mark;
        found.add(name);
        return `\${{ inputs["${name}"] }}`;
      });
    // Such as ‹secret NAME in base64›: what it was can't be made from the secret by an expression.
    if (secrets.some(name => escaped.includes(secretMark(name).slice(0, -1)))) whole = false;
    return escaped;
  };
  const visit = (value: Json): Json => {
    if (typeof value === 'string') return text(value);
    if (value === null || typeof value !== 'object') return value;
    if (Array.isArray(value)) return value.map(visit);
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, visit(inner)]));
  };
  const made = visit(values) as JsonObject;
  if (!whole) return undefined;
  for (const name of found) needed.add(name);
  return made;
}

/** As `yaml` wants comments: without the `#`, with the space. Line ends in what others said must not end the comment. */
function comment(lines: readonly string[]): string {
  return lines
    .map(line => (line === '' ? '' : ` ${line.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]+/g, ' ')}`))
    .join('\n');
}
