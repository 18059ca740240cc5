import type { Register } from './commandRegistrar';
import { commands } from './ids';
import type { InventoryView } from './inventory/inventoryView';
import { TreeCommands } from './inventory/treeCommands';
import type { RunbooksView } from './runbooks/runbooksView';
import type { RunsCommands } from './runs/runsCommands';
import type { RunsStatus } from './runs/runsStatus';
import type { RunsView } from './runs/runsView';
import type { VmCommands } from './vm/vmCommands';

export interface Views {
  inventory: InventoryView;
  vm: VmCommands;
  runs: RunsView;
  runsCommands: RunsCommands;
  status: RunsStatus;
  runbooks: RunbooksView;
}

/** The commands of the three views' titles and lines. A tree gives the node it was chosen on, and all that are selected with it. */
export function registerViewCommands(
  register: Register,
  { inventory, vm, runs, runsCommands, status, runbooks }: Views,
): void {
  const tree = new TreeCommands(inventory);
  register(commands.refreshInventory, () => inventory.refresh());
  register(commands.retryConnection, id => inventory.retry(id));
  register(commands.searchInventory, tree.search);
  register(commands.filterInventory, tree.filter);
  register(commands.clearInventoryFilter, tree.clearFilter);
  register(commands.groupInventory, tree.group);
  register(commands.showMore, id => inventory.showMore(id));
  register(commands.copyYaml, tree.copyYaml);
  register(commands.insertStep, tree.insertStep);
  register(commands.findInRunbooks, tree.findInRunbooks);
  register(commands.revealInInventory, tree.reveal);
  register(commands.vmStart, vm.start);
  register(commands.vmShutdown, vm.shutdown);
  register(commands.vmSnapshot, vm.snapshot);
  register(commands.vmRevert, vm.revert);
  register(commands.vmDeleteSnapshot, vm.deleteSnapshot);
  register(commands.vmMigrate, vm.migrate);
  register(commands.vmBackup, vm.backup);
  register(commands.refreshRuns, () => runs.refresh());
  register(commands.pickRun, status.pick);
  register(commands.filterRuns, () => runs.filter());
  register(commands.clearRunsFilter, () => runs.clearFilter());
  register(commands.showMoreSteps, id => runs.showMore(id));
  register(commands.removeRun, (id, all) => runsCommands.remove(runs.targets(id, all)));
  register(commands.removeOldRuns, () => runsCommands.removeOld());
  register(commands.refreshRunbooks, () => runbooks.refresh());
}
