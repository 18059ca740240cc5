import { everyStep } from '../../runbook/model';
import { parseRunbook } from '../../runbook/parse';

/** Where a step can be put into a runbook. */
export interface InsertPlace {
  offset: number;
  /** Of the dash, in spaces. */
  indent: number;
  /** The text there has no line of its own yet. */
  newLine: boolean;
}

/**
 * Behind the innermost step at the offset, in the same list; between steps, behind the outermost one before.
 * @returns a sentence when there is no such place
 */
export function insertPlace(text: string, offset: number): InsertPlace | string {
  const { draft, source } = parseRunbook(text);
  const steps = everyStep(draft).flatMap(({ pointer }) => {
    const range = source.wholeRange(pointer);
    return range ? [{ ...range, pointer, dash: dashBefore(text, range.start) }] : [];
  });
  if (steps.length === 0) return 'There are no steps yet. Write `steps:` and a first one.';
  const around = steps.filter(step => lineStart(text, step.start) <= offset && offset <= lineEnd(text, step.end));
  const before = steps.filter(step => step.start <= offset && /^\/\w+\/\d+$/.test(step.pointer));
  const step = around.at(-1) ?? before.at(-1) ?? steps[0]!;
  if (step.dash === undefined)
    return 'The steps there are written in brackets. Give each a line that begins with a dash.';
  const end = lineEnd(text, step.end);
  const newLine = end === text.length;
  return { offset: newLine ? end : end + 1, indent: step.dash, newLine };
}

/** Column of the dash before a step; undefined: it stands in brackets. */
function dashBefore(text: string, start: number): number | undefined {
  const from = lineStart(text, start);
  const match = /^( *)(?:- +)*- +$/.exec(text.slice(from, start));
  if (!match) return undefined;
  return text.slice(from, start).lastIndexOf('-');
}

function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1;
}

/** The end of the line that holds the last character before `offset`. */
function lineEnd(text: string, offset: number): number {
  const at = text.indexOf('\n', Math.max(0, offset - 1));
  return at < 0 ? text.length : at;
}
