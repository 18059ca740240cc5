import * as vscode from 'vscode';
import type { SeenConnection } from '../../engine/seen';
import type { Hypervisor } from '../../hypervisors/ports';
import type { Inventory } from '../../inventory/model';
import type { SeenNames } from '../../inventory/names';
import { views } from '../ids';
import { inventoryUri } from '../language/inventoryOfRunbook';
import { treeItem } from '../treeItem';
import { type InventoryFile, type InventoryFileState, showState, uriOf } from './inventoryFile';
import type { InventoryNode } from './inventoryTree';
import { LiveInventory, type OpenedConnection } from './liveInventory';

/** Opens one connection of an inventory. */
export type OpenConnection = (inventory: Inventory, file: vscode.Uri, connection: string) => Promise<OpenedConnection>;

/** Connections → hosts → VMs. Connects only while somebody looks and the workspace is trusted. */
export class InventoryView implements vscode.TreeDataProvider<string>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<string[] | undefined>();
  private readonly namesChanged = new vscode.EventEmitter<void>();
  private readonly disposables: vscode.Disposable[] = [this.changed, this.namesChanged];
  private readonly view: vscode.TreeView<string>;
  private live: LiveInventory | undefined;
  private looked = false;
  private readonly labWatchers: vscode.Disposable[] = [];
  private names = '';
  readonly onDidChangeTreeData = this.changed.event;
  /** Hosts or VMs came or went. */
  readonly onDidChangeNames = this.namesChanged.event;

  constructor(
    private readonly file: InventoryFile,
    private readonly open: OpenConnection,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.view = vscode.window.createTreeView(views.inventory, { treeDataProvider: this, showCollapseAll: true });
    this.disposables.push(
      this.view,
      this.view.onDidChangeVisibility(({ visible }) => this.look(visible)),
      file.onDidChange(state => this.rebuild(state)),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.look(this.view.visible)),
    );
    this.look(this.view.visible);
  }

  private look(visible: boolean): void {
    if (visible && !this.looked && vscode.workspace.isTrusted) {
      this.looked = true;
      void this.file.reload().then(state => this.rebuild(state));
    }
    this.live?.setVisible(visible);
  }

  private rebuild(state: InventoryFileState): void {
    void this.live?.dispose();
    this.live = undefined;
    for (const watcher of this.labWatchers.splice(0)) watcher.dispose();
    this.view.description = undefined;
    if (state.state === 'ready' && vscode.workspace.isTrusted) {
      const { inventory, uri } = state;
      this.view.description = vscode.workspace.asRelativePath(uri);
      this.live = new LiveInventory({
        connections: Object.keys(inventory.connections),
        open: connection => this.open(inventory, uri, connection),
        onChange: ids => this.onChange(ids),
        onError: (connection, error) => this.tellFailure(connection, error),
      });
      this.live.setVisible(this.view.visible);
      this.watchLabs(inventory, uri);
    }
    showState(state.state);
    this.changed.fire(undefined);
    this.compareNames();
  }

  /** The welcome view with *Try again* can't hold the reason, and a tree's line cuts it off. */
  private tellFailure(connection: string, error: unknown): void {
    this.log.error(`Connection ${connection}:`, error);
    if (!this.view.visible) return;
    const reason = error instanceof Error ? error.message : String(error);
    const again = vscode.l10n.t('Try Again');
    const show = vscode.l10n.t('Show Log');
    const text = reason.includes(connection) ? reason : `${connection}: ${reason}`;
    void vscode.window.showErrorMessage(text, again, show).then(answer => {
      if (answer === again) this.live?.refresh(connection);
      if (answer === show) this.log.show();
    });
  }

  /** A run is a process of its own: what it does to a simulated lab is told by the lab's state file. */
  private watchLabs(inventory: Inventory, file: vscode.Uri): void {
    for (const [name, connection] of Object.entries(inventory.connections)) {
      if (connection.type !== 'simulated') continue;
      const lab = inventoryUri(file, connection.lab);
      const folder = vscode.Uri.joinPath(lab, '..');
      const stem = lab.path.slice(lab.path.lastIndexOf('/') + 1).replace(/\.(ya?ml|json)$/i, '');
      const watcher = vscode.workspace.createFileSystemWatcher(
        new vscode.RelativePattern(folder, `${stem}*.{json,yaml,yml}`),
      );
      const touch = () => this.live?.touch(name);
      this.labWatchers.push(
        watcher,
        watcher.onDidChange(touch),
        watcher.onDidCreate(touch),
        watcher.onDidDelete(touch),
      );
    }
  }

  private onChange(ids: string[] | undefined): void {
    const failed = this.live?.allFailed ?? false;
    showState(failed ? 'failed' : this.file.state.state);
    this.changed.fire(ids);
    this.compareNames();
  }

  private compareNames(): void {
    const names = [...this.hosts.map(node => node.host.name), ...this.vms.map(node => node.vm.name)].join('\n');
    if (names === this.names) return;
    this.names = names;
    this.namesChanged.fire();
  }

  getTreeItem(id: string): vscode.TreeItem {
    const node = this.live?.node(id);
    if (!node) return new vscode.TreeItem('');
    const { Expanded, None } = vscode.TreeItemCollapsibleState;
    return treeItem(id, node.row, node.kind === 'vm' ? None : Expanded);
  }

  getChildren(id?: string): string[] {
    if (!this.live) return [];
    if (id === undefined) return this.live.allFailed ? [] : this.live.roots;
    return this.live.node(id)?.children ?? [];
  }

  getParent(id: string): string | undefined {
    const node = this.live?.node(id);
    if (!node || node.kind === 'connection') return undefined;
    if (node.kind === 'host') return `connection:${node.connection}`;
    return `host:${node.connection}/${node.vm.host}`;
  }

  node(id: string): InventoryNode | undefined {
    return this.live?.node(id);
  }

  get inventory(): { uri: vscode.Uri; inventory: Inventory } | undefined {
    const { state } = this.file;
    return state.state === 'ready' ? state : undefined;
  }

  /** Everything that is shown now. */
  get vms(): (InventoryNode & { kind: 'vm' })[] {
    return this.all('vm');
  }

  get hosts(): (InventoryNode & { kind: 'host' })[] {
    return this.all('host');
  }

  private all<K extends InventoryNode['kind']>(kind: K): (InventoryNode & { kind: K })[] {
    const found: (InventoryNode & { kind: K })[] = [];
    const visit = (ids: readonly string[]) => {
      for (const id of ids) {
        const node = this.live?.node(id);
        if (!node) continue;
        if (isKind(node, kind)) found.push(node);
        visit(node.children);
      }
    };
    visit(this.live?.roots ?? []);
    return found;
  }

  hypervisor(connection: string): Hypervisor | undefined {
    return this.live?.hypervisor(connection);
  }

  refresh(connection?: string): void {
    if (this.live) this.live.refresh(connection);
    else void this.file.reload();
  }

  /** Connects again what a node of the view stands for. */
  retry(id: unknown): void {
    const node = typeof id === 'string' ? this.live?.node(id) : undefined;
    if (node) this.live?.refresh(node.connection);
  }

  /** What its connections show, as far as they have been looked at. */
  get shown(): SeenConnection[] {
    return (this.live?.views ?? []).flatMap(({ name, state }) =>
      state ? [{ connection: name, hosts: state.hosts, vms: state.vms }] : [],
    );
  }

  /** What a run changed may come without an event, e.g. a snapshot. */
  nudge(): void {
    this.live?.touch();
  }

  /** Names for checks and completion, when this view shows that inventory. */
  seen(uri: vscode.Uri): SeenNames | undefined {
    if (!this.live || uriOf(this.file.state)?.toString() !== uri.toString()) return undefined;
    const seen: SeenNames = { hosts: {}, capabilities: {} };
    const connected = this.live.views.filter(view => view.state);
    for (const { name, state, capabilities } of connected) {
      seen.hosts![name] = (state?.hosts ?? []).map(host => host.name);
      seen.capabilities![name] = capabilities;
    }
    // Complete only when every connection has answered.
    if (connected.length === this.live.views.length && this.live.views.every(view => view.phase === 'connected')) {
      seen.vms = connected.flatMap(view => view.state?.vms.flatMap(vm => [vm.name, vm.uuid]) ?? []);
    }
    return seen;
  }

  /** A VM's or host's state in a few words, for hover. */
  liveState(kind: 'vm' | 'host', name: string): string | undefined {
    if (kind === 'host') return this.hosts.find(node => node.host.name === name)?.row.description;
    const node = this.vms.find(node => node.vm.name === name || node.vm.uuid === name);
    return node && `${node.row.description} · on ${node.vm.host}`;
  }

  dispose(): void {
    void this.live?.dispose();
    for (const item of [...this.disposables, ...this.labWatchers]) item.dispose();
  }
}

function isKind<K extends InventoryNode['kind']>(node: InventoryNode, kind: K): node is InventoryNode & { kind: K } {
  return node.kind === kind;
}
