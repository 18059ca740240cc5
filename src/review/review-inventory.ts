import type { ReviewedChange } from './changed-files';
import type { PlaceOf } from './contract';
import { inventoryDifferences } from './inventory-difference';
import type { ReviewedInventory } from './model';
import { PlacedText } from './places';
import { problemDifference, type SideProblem } from './problem-difference';
import { riskOfInventory } from './risk';
import type { Side } from './side';
import type { SideInventory } from './side-inventory';
import type { StepMatches } from './step-matching';

/** An inventory has no steps. */
const noSteps: StepMatches = { headOf: () => undefined, baseOf: () => undefined, moved: new Set() };

/** An inventory on both sides. `runbooks`: those that name it at the head, sorted. */
export async function reviewInventory(
  change: ReviewedChange,
  sides: { base: Side; head: Side },
  runbooks: string[],
): Promise<ReviewedInventory> {
  const [base, head] = await Promise.all([
    change.base === undefined ? undefined : sides.base.inventory(change.base),
    change.head === undefined ? undefined : sides.head.inventory(change.head),
  ]);
  const before = { place: placeOf(base), ...read(base) };
  const after = { place: placeOf(head), ...read(head) };
  const reviewed: Omit<ReviewedInventory, 'risk'> = {
    kind: 'inventory',
    path: change.path,
    ...(change.change === 'renamed' && change.base !== undefined && { basePath: change.base }),
    change: change.change,
    differences:
      before.broken || after.broken
        ? []
        : inventoryDifferences(before.draft, after.draft, { base: before.place, head: after.place }),
    problems: problemDifference(problemsOf(base), problemsOf(head), noSteps),
    runbooks,
  };
  return { ...reviewed, risk: riskOfInventory(reviewed) };
}

function read(side: SideInventory | undefined) {
  const parsed = side?.parsed;
  if (!parsed) return { broken: false, draft: undefined };
  const broken = parsed.data === undefined || parsed.diagnostics.some(one => one.code === 'yaml-syntax');
  return { broken, draft: parsed.draft };
}

function placeOf(side: SideInventory | undefined): PlaceOf {
  const text = side?.parsed && new PlacedText(side.path, side.parsed.source);
  return pointer => text?.at(pointer);
}

function problemsOf(side: SideInventory | undefined): SideProblem[] {
  const parsed = side?.parsed;
  if (!parsed) return [];
  const text = new PlacedText(side.path, parsed.source);
  return parsed.diagnostics.map(({ code, severity, message, range }) => ({
    code,
    severity,
    message,
    place: text.linesOf(range),
  }));
}
