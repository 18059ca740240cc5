import type { ActionDefinition } from './action';
import { backupImage } from './backup.image';
import { checkGuest } from './check.guest';
import { guestPatch } from './guest.patch';
import { guestRun } from './guest.run';
import { runUndo } from './run.undo';
import { vmMigrate } from './vm.migrate';
import { vmRevert } from './vm.revert';
import { vmShutdown } from './vm.shutdown';
import { vmSnapshot } from './vm.snapshot';
import { vmSnapshotDelete } from './vm.snapshot.delete';
import { vmStart } from './vm.start';

/** Every action there is, in the order in which the reference page and completion show them. */
export const actions: readonly ActionDefinition[] = [
  vmStart,
  vmShutdown,
  vmSnapshot,
  vmSnapshotDelete,
  vmRevert,
  vmMigrate,
  guestRun,
  guestPatch,
  checkGuest,
  backupImage,
  runUndo(actionNamed),
];

/** The action that `uses:` names; undefined when there is none. */
export function actionNamed(name: string): ActionDefinition | undefined {
  byName ??= new Map(actions.map(action => [action.name, action]));
  return byName.get(name);
}

let byName: ReadonlyMap<string, ActionDefinition> | undefined;
