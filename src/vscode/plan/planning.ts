import * as vscode from 'vscode';
import type { Plan } from '../../engine/plan';
import type { SeenConnection } from '../../engine/seen';
import type { Timetable } from '../../engine/timetable';
import type { JsonObject } from '../../runbook/json';
import type { Runbook } from '../../runbook/model';
import { inventoryUri } from '../language/inventoryOfRunbook';
import { readText } from '../language/readText';
import { isRevision } from '../language/revisionUri';
import { neighbour } from '../language/workspaceTexts';
import { language } from '../lazy';
import { versionName } from '../onlyFiles';

/** A part of a runbook: only one step, or everything from one on; by pointer. */
export interface Part {
  only?: string;
  from?: string;
}

export interface Planned {
  plan: Plan;
  planHash: string;
  timetable: Timetable;
  runbookPath: string;
  inventoryPath?: string;
  inventoryUri?: vscode.Uri;
}

/**
 * Plans from the files alone, and from what is `shown` already; nothing connects, so it works in an untrusted workspace too.
 * @throws PlanRefused, or an Error when the inventory or a called runbook can't be read
 */
export async function planRunbook(
  uri: vscode.Uri,
  runbook: Runbook,
  inputs: JsonObject,
  part: Part,
  shown: readonly SeenConnection[] = [],
): Promise<Planned> {
  const { actionNamed, linkRunbooks, makePlan, parseInventory, timetableOf, whereSeen } = language();
  const inventoryFile = runbook.inventory === undefined ? undefined : inventoryUri(uri, runbook.inventory);
  const inventoryText = inventoryFile && (await textIfThere(inventoryFile));
  if (inventoryFile && inventoryText === undefined)
    throw new Error(
      isRevision(inventoryFile)
        ? `Its inventory can't be read: there is no ${versionName(inventoryFile)}, or its commit has not been fetched.`
        : `There is no inventory ${inventoryFile.fsPath}.`,
    );
  const inventory = inventoryText === undefined ? undefined : parseInventory(inventoryText).inventory;
  if (inventoryFile && !inventory)
    throw new Error(`The inventory ${inventoryFile.fsPath} has mistakes. Correct them first.`);
  const linked = await linkRunbooks(runbook, uri.path, path => textIfThere(neighbour(uri, path)));
  if (linked.problems.length > 0) throw new Error(linked.problems.map(({ message }) => message).join(' '));
  const hosts = Object.fromEntries(shown.map(({ connection, hosts }) => [connection, hosts.map(({ name }) => name)]));
  const { plan, hash } = makePlan({ runbook: linked.runbook, inventory, inputs, action: actionNamed, hosts, ...part });
  const timetable = timetableOf(plan, { whereIs: whereSeen(shown), startAt: Date.now() });
  const files = { runbookPath: uri.fsPath, inventoryPath: inventoryFile?.fsPath, inventoryUri: inventoryFile };
  return { plan, planHash: hash, timetable, ...files };
}

async function textIfThere(uri: vscode.Uri | undefined): Promise<string | undefined> {
  if (!uri) return undefined;
  try {
    return await readText(uri);
  } catch (error) {
    if (error instanceof vscode.FileSystemError && error.code === 'FileNotFound') return undefined;
    throw error;
  }
}
