import * as vscode from 'vscode';
import type { JsonObject } from '../../runbook/json';
import type { NodeOf } from '../inventory/inventoryTree';
import type { InventoryView } from '../inventory/inventoryView';
import type { VmAction } from '../inventory/rows';
import { language } from '../lazy';
import { planRunbook } from '../plan/planning';
import type { RunCommands } from '../runCommands';
import { listed, stepRunbook, stepRunbookName } from './stepRunbook';

type Vm = NodeOf<'vm'>;

/** What a VM's menu does: each is a runbook of one step, or of a loop over several VMs, planned, confirmed once, run and journalled like any other. */
export class VmCommands {
  constructor(
    private readonly view: InventoryView,
    private readonly commands: RunCommands,
    private readonly folder: vscode.Uri,
  ) {
    view.onDrop = (vms, host) => this.migrateTo(vms, host.host.name);
  }

  start = (id: unknown, all: unknown) =>
    this.simple(id, all, 'start', 'vm.start', vms => vscode.l10n.t('Start {0}', vms));
  shutdown = (id: unknown, all: unknown) =>
    this.simple(id, all, 'shutdown', 'vm.shutdown', vms => vscode.l10n.t('Shut down {0}', vms));

  snapshot = async (id: unknown, all: unknown): Promise<string | undefined> => {
    const vms = this.able(id, all, 'snapshot');
    if (vms.length === 0) return undefined;
    const name = await vscode.window.showInputBox({
      title: vscode.l10n.t('Snapshot of {0}', names(vms)),
      prompt: vscode.l10n.t('Name of the snapshot'),
      value: defaultSnapshotName(new Date()),
      validateInput: typed =>
        /^[A-Za-z0-9_.-]+$/.test(typed) ? undefined : vscode.l10n.t('Letters, digits, dot, dash and underscore only.'),
    });
    if (!name) return undefined;
    return this.run(vms, 'vm.snapshot', vscode.l10n.t('Snapshot {0} of {1}', name, names(vms)), { name });
  };

  revert = (id: unknown) =>
    this.withSnapshot(id, 'revert', 'vm.revert', (snapshot, vm) => vscode.l10n.t('Revert {0} to {1}', vm, snapshot));
  deleteSnapshot = (id: unknown) =>
    this.withSnapshot(id, 'deleteSnapshot', 'vm.snapshot.delete', (snapshot, vm) =>
      vscode.l10n.t('Delete snapshot {0} of {1}', snapshot, vm),
    );

  migrate = async (id: unknown, all: unknown): Promise<string | undefined> => {
    const vms = this.able(id, all, 'migrate');
    if (vms.length === 0) return undefined;
    const from = [...new Set(vms.map(({ vm }) => vm.host))];
    const hosts = this.view.hosts.filter(({ host }) => from.length > 1 || host.name !== from[0]);
    if (hosts.length === 0) {
      void vscode.window.showInformationMessage(
        vscode.l10n.t('There is no other connected host to move {0} to.', names(vms)),
      );
      return undefined;
    }
    const picked = await vscode.window.showQuickPick(
      hosts.map(node => ({ label: node.host.name, description: this.view.describe(node) })),
      {
        title: vscode.l10n.t('Migrate {0} from {1}', names(vms), listed(from)),
        placeHolder: vscode.l10n.t('Where to'),
      },
    );
    if (!picked) return undefined;
    return this.migrateTo(
      vms.filter(({ vm }) => vm.host !== picked.label),
      picked.label,
    );
  };

  private migrateTo(vms: readonly Vm[], host: string): Promise<string | undefined> {
    return this.run(vms, 'vm.migrate', vscode.l10n.t('Migrate {0} to {1}', names(vms), host), { to: host });
  }

  backup = async (id: unknown, all: unknown): Promise<string | undefined> => {
    const vms = this.able(id, all, 'backup');
    const proxies = Object.keys(this.view.inventory?.inventory.proxies ?? {});
    if (vms.length === 0) return undefined;
    if (proxies.length === 0) {
      void vscode.window.showInformationMessage(
        vscode.l10n.t('The inventory names no proxy. Add one under `proxies:` to say where backups go.'),
      );
      return undefined;
    }
    const title = vscode.l10n.t('Back up {0}', names(vms));
    const placeHolder = vscode.l10n.t('Through which proxy');
    const proxy =
      proxies.length === 1 ? proxies[0] : await vscode.window.showQuickPick(proxies, { title, placeHolder });
    if (!proxy) return undefined;
    return this.run(vms, 'backup.image', title, { proxy });
  };

  private async simple(
    id: unknown,
    all: unknown,
    action: VmAction,
    uses: string,
    name: (vms: string) => string,
  ): Promise<string | undefined> {
    const vms = this.able(id, all, action);
    return vms.length > 0 ? this.run(vms, uses, name(names(vms)), {}) : undefined;
  }

  private async withSnapshot(
    id: unknown,
    action: VmAction,
    uses: string,
    name: (snapshot: string, vm: string) => string,
  ): Promise<string | undefined> {
    const [node] = this.able(id, undefined, action);
    const snapshots = node && (await this.view.hypervisor(node.connection)?.snapshots?.list(node.vm.uuid));
    if (!node || !snapshots) return undefined;
    if (snapshots.length === 0) {
      void vscode.window.showInformationMessage(vscode.l10n.t('{0} has no snapshot.', node.vm.name));
      return undefined;
    }
    const picked = await vscode.window.showQuickPick(
      snapshots.map(snapshot => ({
        label: snapshot.name,
        description: [new Date(snapshot.createdAt).toLocaleString(), snapshot.memory ? 'with memory' : 'disks only']
          .filter(Boolean)
          .join(' · '),
        detail: snapshot.description,
      })),
      { title: vscode.l10n.t('Snapshots of {0}', node.vm.name) },
    );
    if (!picked) return undefined;
    return this.run([node], uses, name(picked.label, node.vm.name), { snapshot: picked.label });
  }

  /** Of what was chosen, the VMs that this could be done to now; says so when there are none, or fewer. */
  private able(id: unknown, all: unknown, action: VmAction): Vm[] {
    const chosen = this.view.vmsOf(this.view.targets(id, all));
    const able = chosen.filter(vm => this.view.actionsOf(vm).includes(action));
    const rest = chosen.filter(vm => !able.includes(vm));
    if (chosen.length === 0) {
      void vscode.window.showInformationMessage(vscode.l10n.t('Choose VMs in the Inventory view first.'));
    } else if (rest.length > 0) {
      const text =
        able.length === 0
          ? vscode.l10n.t('This can not be done to {0} as they are now.', names(rest))
          : vscode.l10n.t('Left out, because it can not be done to them as they are now: {0}.', names(rest));
      void vscode.window.showInformationMessage(text);
    }
    return able;
  }

  private async run(vms: readonly Vm[], uses: string, name: string, inputs: JsonObject): Promise<string | undefined> {
    const shown = this.view.inventory;
    if (!shown || vms.length === 0 || !vscode.workspace.isTrusted) return undefined;
    const on = uniqueNames(vms, this.view.vms);
    const text = stepRunbook({ name, uses, input: 'vm', on, with: inputs, inventory: shown.uri.fsPath });
    const uri = vscode.Uri.joinPath(this.folder, stepRunbookName(uses, on));
    await vscode.workspace.fs.createDirectory(this.folder);
    await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(text));
    const { runbook, diagnostics } = language().parseRunbook(text);
    if (!runbook) throw new Error(diagnostics[0]?.message ?? 'The generated runbook could not be read.');
    return this.commands.confirmAndSubmit(await planRunbook(uri, runbook, {}, {}));
  }
}

/** A name is what people read; an identity only where the name is not one. */
export function uniqueNames(vms: readonly Vm[], all: readonly Vm[]): string[] {
  const count = new Map<string, number>();
  for (const { vm } of all) count.set(vm.name, (count.get(vm.name) ?? 0) + 1);
  return vms.map(({ vm }) => (count.get(vm.name) === 1 ? vm.name : vm.uuid));
}

function names(vms: readonly Vm[]): string {
  return listed(vms.map(({ vm }) => vm.name));
}

/** `2026-11-22-1405`, in the user's zone. */
function defaultSnapshotName(now: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const day = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
  return `${day}-${two(now.getHours())}${two(now.getMinutes())}`;
}
