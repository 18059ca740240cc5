import type * as vscode from 'vscode';
import type { Plan } from '../../engine/plan';
import type { JsonObject } from '../../runbook/json';
import type { Runbook } from '../../runbook/model';
import { inventoryUri, readText } from '../language/inventoryOfRunbook';
import { language } from '../lazy';

/** A part of a runbook: only one step, or everything from one on; by pointer. */
export interface Part {
  only?: string;
  from?: string;
}

export interface Planned {
  plan: Plan;
  planHash: string;
  runbookPath: string;
  inventoryPath?: string;
}

/**
 * Plans from the files alone; nothing connects, so it works in an untrusted workspace too.
 * @throws PlanRefused, or an Error when the inventory can't be read
 */
export async function planRunbook(
  uri: vscode.Uri,
  runbook: Runbook,
  inputs: JsonObject,
  part: Part,
  hosts?: Record<string, readonly string[]>,
): Promise<Planned> {
  const { actionNamed, makePlan, parseInventory } = language();
  const inventoryFile = runbook.inventory === undefined ? undefined : inventoryUri(uri, runbook.inventory);
  const inventory = inventoryFile && parseInventory(await readText(inventoryFile)).inventory;
  if (inventoryFile && !inventory)
    throw new Error(`The inventory ${inventoryFile.fsPath} has mistakes. Correct them first.`);
  const { plan, hash } = makePlan({ runbook, inventory, inputs, action: actionNamed, hosts, ...part });
  return { plan, planHash: hash, runbookPath: uri.fsPath, inventoryPath: inventoryFile?.fsPath };
}
