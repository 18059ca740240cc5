import * as vscode from 'vscode';
import type { Plan } from '../../engine/plan';
import type { Inventory } from '../../inventory/model';
import type { RehearsalWork } from '../../rehearsal/work';
import { readText } from '../language/readText';
import { neighbour } from '../language/workspaceTexts';
import { connect } from '../lazy';

/** A copy to rehearse on, of what stands beside the inventory in its version: its labs, or a capture. Connects nowhere. */
export async function copyOfFiles(plan: Plan, inventory: Inventory, inventoryUri: vscode.Uri): Promise<RehearsalWork> {
  const made = await connect().workOfFiles(plan, inventory, inventoryUri.path, async path => {
    const uri = neighbour(inventoryUri, path);
    return uri && readText(uri).catch(() => undefined);
  });
  if (!('live' in made)) return made;
  throw new Error(
    vscode.l10n.t(
      'Here only simulated labs can be rehearsed on, and {0} is real. Write a copy with `virtbook inventory --capture` beside the inventory, named like it: prod.inventory.yaml has prod.capture.yaml.',
      made.live.join(', '),
    ),
  );
}
