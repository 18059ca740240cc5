import * as vscode from 'vscode';
import type { JsonObject } from '../../runbook/json';
import type { InventoryNode } from '../inventory/inventoryTree';
import type { InventoryView } from '../inventory/inventoryView';
import { language } from '../lazy';
import { planRunbook } from '../plan/planning';
import type { RunCommands } from '../runCommands';
import { stepRunbook, stepRunbookName } from './stepRunbook';

type VmNode = InventoryNode & { kind: 'vm' };

/** What a VM's menu does: each is a runbook of one step, planned, confirmed, run and journalled like any other. */
export class VmCommands {
  constructor(
    private readonly view: InventoryView,
    private readonly commands: RunCommands,
    private readonly folder: vscode.Uri,
  ) {}

  start = (id: unknown) => this.simple(id, 'vm.start', vm => vscode.l10n.t('Start {0}', vm));
  shutdown = (id: unknown) => this.simple(id, 'vm.shutdown', vm => vscode.l10n.t('Shut down {0}', vm));

  snapshot = async (id: unknown): Promise<string | undefined> => {
    const node = this.vm(id);
    if (!node) return undefined;
    const name = await vscode.window.showInputBox({
      title: vscode.l10n.t('Snapshot of {0}', node.vm.name),
      prompt: vscode.l10n.t('Name of the snapshot'),
      value: defaultSnapshotName(new Date()),
      validateInput: typed =>
        /^[A-Za-z0-9_.-]+$/.test(typed) ? undefined : vscode.l10n.t('Letters, digits, dot, dash and underscore only.'),
    });
    if (!name) return undefined;
    return this.run(node, 'vm.snapshot', vscode.l10n.t('Snapshot {0} of {1}', name, node.vm.name), { name });
  };

  revert = (id: unknown) =>
    this.withSnapshot(id, 'vm.revert', (snapshot, vm) => vscode.l10n.t('Revert {0} to {1}', vm, snapshot));
  deleteSnapshot = (id: unknown) =>
    this.withSnapshot(id, 'vm.snapshot.delete', (snapshot, vm) =>
      vscode.l10n.t('Delete snapshot {0} of {1}', snapshot, vm),
    );

  migrate = async (id: unknown): Promise<string | undefined> => {
    const node = this.vm(id);
    if (!node) return undefined;
    const hosts = this.view.hosts.filter(({ host }) => host.name !== node.vm.host);
    if (hosts.length === 0) {
      void vscode.window.showInformationMessage(
        vscode.l10n.t('There is no other connected host to move {0} to.', node.vm.name),
      );
      return undefined;
    }
    const picked = await vscode.window.showQuickPick(
      hosts.map(({ host, row }) => ({ label: host.name, description: row.description })),
      {
        title: vscode.l10n.t('Migrate {0} from {1}', node.vm.name, node.vm.host),
        placeHolder: vscode.l10n.t('Where to'),
      },
    );
    if (!picked) return undefined;
    return this.run(node, 'vm.migrate', vscode.l10n.t('Migrate {0} to {1}', node.vm.name, picked.label), {
      to: picked.label,
    });
  };

  backup = async (id: unknown): Promise<string | undefined> => {
    const node = this.vm(id);
    const proxies = Object.keys(this.view.inventory?.inventory.proxies ?? {});
    if (!node) return undefined;
    if (proxies.length === 0) {
      void vscode.window.showInformationMessage(
        vscode.l10n.t('The inventory names no proxy. Add one under `proxies:` to say where backups go.'),
      );
      return undefined;
    }
    const title = vscode.l10n.t('Back up {0}', node.vm.name);
    const placeHolder = vscode.l10n.t('Through which proxy');
    const proxy =
      proxies.length === 1 ? proxies[0] : await vscode.window.showQuickPick(proxies, { title, placeHolder });
    if (!proxy) return undefined;
    return this.run(node, 'backup.image', title, { proxy });
  };

  private async simple(id: unknown, uses: string, name: (vm: string) => string): Promise<string | undefined> {
    const node = this.vm(id);
    return node && (await this.run(node, uses, name(node.vm.name), {}));
  }

  private async withSnapshot(
    id: unknown,
    uses: string,
    name: (snapshot: string, vm: string) => string,
  ): Promise<string | undefined> {
    const node = this.vm(id);
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
    return this.run(node, uses, name(picked.label, node.vm.name), { snapshot: picked.label });
  }

  private vm(id: unknown): VmNode | undefined {
    const node = typeof id === 'string' ? this.view.node(id) : undefined;
    return node?.kind === 'vm' ? node : undefined;
  }

  private async run(node: VmNode, uses: string, name: string, inputs: JsonObject): Promise<string | undefined> {
    const shown = this.view.inventory;
    if (!shown || !vscode.workspace.isTrusted) return undefined;
    // A name is what people read; an identity only where the name is not one.
    const unique = this.view.vms.filter(({ vm }) => vm.name === node.vm.name).length === 1;
    const vm = unique ? node.vm.name : node.vm.uuid;
    const text = stepRunbook({ name, uses, with: { vm, ...inputs }, inventory: shown.uri.fsPath });
    const uri = vscode.Uri.joinPath(this.folder, stepRunbookName(uses, vm));
    await vscode.workspace.fs.createDirectory(this.folder);
    await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(text));
    const { runbook, diagnostics } = language().parseRunbook(text);
    if (!runbook) throw new Error(diagnostics[0]?.message ?? 'The generated runbook could not be read.');
    return this.commands.confirmAndSubmit(await planRunbook(uri, runbook, {}, {}));
  }
}

/** `2026-11-22-1405`, in the user's zone. */
function defaultSnapshotName(now: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const day = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
  return `${day}-${two(now.getHours())}${two(now.getMinutes())}`;
}
