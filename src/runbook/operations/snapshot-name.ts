import { wholeExpression } from '../template';

/** The step whose snapshot is meant by `${{ steps.ID.outputs.snapshot }}`. */
export function stepNamedBy(written: string): string | undefined {
  const source = wholeExpression(written)?.source.trim();
  return source === undefined ? undefined : /^steps\.([A-Za-z][\w-]*)\.outputs\.snapshot$/.exec(source)?.[1];
}
