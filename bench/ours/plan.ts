import { actionNamed } from '../../src/actions/catalogue';
import { makePlan } from '../../src/engine/make-plan';
import { plannedActions } from '../../src/engine/planned-steps';
import { parseInventory } from '../../src/inventory/file';
import { parseRunbook } from '../../src/runbook/parse';

/** Gives how to plan it: with a function that makes the whole plan anew and says how many steps it foretells. */
export function planner(runbookText: string, inventoryText: string): () => number {
  const { runbook, diagnostics } = parseRunbook(runbookText);
  const { inventory, diagnostics: ofInventory } = parseInventory(inventoryText);
  if (!runbook || !inventory) throw new Error([...diagnostics, ...ofInventory].map(one => one.message).join('\n'));
  return () => plannedActions(makePlan({ runbook, inventory, action: actionNamed }).plan.steps).length;
}
