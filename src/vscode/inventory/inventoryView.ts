import * as vscode from 'vscode';
import type { SeenConnection } from '../../engine/seen';
import type { Hypervisor } from '../../hypervisors/ports';
import type { Inventory } from '../../inventory/model';
import type { SeenNames } from '../../inventory/names';
import { commands, contextKeys, views } from '../ids';
import { inventoryUri } from '../language/inventoryOfRunbook';
import { tooltipOf, treeItem } from '../treeItem';
import { type InventoryFile, type InventoryFileState, showState, uriOf } from './inventoryFile';
import { filterText, type InventoryFilter, isFiltering, noFilter, readFilter } from './inventoryFilter';
import { type Arrangement, type Change, InventoryModel } from './inventoryModel';
import { compareNames, type Grouping, type InventoryNode, type NodeOf, parseId } from './inventoryTree';
import { LiveInventory, type OpenedConnection } from './liveInventory';

/** Opens one connection of an inventory. */
export type OpenConnection = (inventory: Inventory, file: vscode.Uri, connection: string) => Promise<OpenedConnection>;

/** What is done with VMs that were dropped onto a host. */
export type OnDrop = (vms: NodeOf<'vm'>[], host: NodeOf<'host'>) => Promise<unknown>;

const KEPT = { grouping: 'inventory.grouping', filter: 'inventory.filter' };
const DRAGGED = `application/vnd.code.tree.${views.inventory.toLowerCase()}`;

/** Connections → hosts → VMs → disks, NICs, snapshots; and storage. Connects only while somebody looks and the workspace is trusted. */
export class InventoryView
  implements vscode.TreeDataProvider<string>, vscode.TreeDragAndDropController<string>, vscode.Disposable
{
  private readonly changed = new vscode.EventEmitter<string[] | undefined>();
  private readonly namesChanged = new vscode.EventEmitter<void>();
  private readonly disposables: vscode.Disposable[] = [this.changed, this.namesChanged];
  private readonly view: vscode.TreeView<string>;
  private model = new InventoryModel({ connections: [] });
  private live: LiveInventory | undefined;
  private looked = false;
  private arranged: Arrangement;
  private readonly labWatchers: vscode.Disposable[] = [];
  readonly onDidChangeTreeData = this.changed.event;
  /** Hosts or VMs came or went. */
  readonly onDidChangeNames = this.namesChanged.event;
  readonly dragMimeTypes = [DRAGGED];
  readonly dropMimeTypes = [DRAGGED];
  /** Set by who knows how to migrate. */
  onDrop: OnDrop | undefined;

  constructor(
    private readonly file: InventoryFile,
    private readonly open: OpenConnection,
    private readonly memory: vscode.Memento,
    private readonly log: vscode.LogOutputChannel,
  ) {
    const grouping = memory.get<string>(KEPT.grouping);
    this.arranged = {
      grouping: grouping === 'tag' || grouping === 'owner' ? grouping : 'host',
      filter: readFilter(memory.get(KEPT.filter)),
    };
    this.view = vscode.window.createTreeView(views.inventory, {
      treeDataProvider: this,
      dragAndDropController: this,
      showCollapseAll: true,
      canSelectMany: true,
    });
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
    this.model = new InventoryModel({ connections: [] });
    if (state.state === 'ready' && vscode.workspace.isTrusted) {
      const { inventory, uri } = state;
      this.view.description = vscode.workspace.asRelativePath(uri);
      const model = new InventoryModel({ connections: Object.keys(inventory.connections), vms: inventory.vms });
      model.arrange(this.arranged);
      this.model = model;
      this.live = new LiveInventory({
        model,
        open: connection => this.open(inventory, uri, connection),
        onChange: change => this.onChange(change),
        onError: (connection, error) => this.tellFailure(connection, error),
      });
      this.live.setVisible(this.view.visible);
      this.watchLabs(inventory, uri);
    }
    showState(state.state);
    this.redrawAll();
    this.namesChanged.fire();
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

  private onChange({ redraw, names }: Change): void {
    const failed = this.live?.allFailed ?? false;
    showState(failed ? 'failed' : this.file.state.state);
    if (redraw === undefined) this.redrawAll();
    else {
      if (redraw.length > 0) this.changed.fire(redraw);
      this.tellFilter();
    }
    if (names) this.namesChanged.fire();
  }

  private redrawAll(): void {
    this.changed.fire(undefined);
    this.tellFilter();
  }

  /** What is not shown must be told, or it would be taken for not there. */
  private tellFilter(): void {
    const filtering = isFiltering(this.arranged.filter);
    void vscode.commands.executeCommand('setContext', contextKeys.inventoryFiltered, filtering);
    if (!filtering || !this.live) {
      this.view.message = undefined;
      return;
    }
    const { all, shown } = this.model.size;
    const what = filterText(this.arranged.filter);
    this.view.message = vscode.l10n.t('{0} of {1} VMs: {2}', shown, all, what);
  }

  get filter(): InventoryFilter {
    return this.arranged.filter;
  }

  get grouping(): Grouping {
    return this.arranged.grouping;
  }

  async arrange(change: Partial<Arrangement>): Promise<void> {
    this.arranged = { ...this.arranged, ...change };
    this.model.arrange(this.arranged);
    this.redrawAll();
    await this.memory.update(KEPT.grouping, this.arranged.grouping);
    await this.memory.update(KEPT.filter, this.arranged.filter);
  }

  getTreeItem(id: string): vscode.TreeItem {
    const node = this.model.node(id);
    if (!node) return new vscode.TreeItem('');
    const item = treeItem(id, this.model.row(node), collapsible(node));
    if (node.kind === 'more') {
      item.command = { command: commands.showMore, title: vscode.l10n.t('Show More'), arguments: [id] };
    }
    return item;
  }

  resolveTreeItem(item: vscode.TreeItem, id: string): vscode.TreeItem {
    const node = this.model.node(id);
    if (node) item.tooltip = tooltipOf(this.model.row(node));
    return item;
  }

  async getChildren(id?: string): Promise<string[]> {
    if (!this.live) return [];
    if (id === undefined) return this.live.allFailed ? [] : this.model.roots;
    const { live, model } = this;
    const node = model.node(id);
    if (node?.kind === 'vm' || node?.kind === 'datastore') await live.list(node);
    return model.children(id);
  }

  getParent(id: string): string | undefined {
    return this.model.parent(id);
  }

  handleDrag(ids: readonly string[], data: vscode.DataTransfer): void {
    const vms = ids.filter(id => this.node(id)?.kind === 'vm');
    if (vms.length > 0) data.set(DRAGGED, new vscode.DataTransferItem(vms));
  }

  /** Onto a host, or onto a VM, which stands for its host. */
  async handleDrop(target: string | undefined, data: vscode.DataTransfer): Promise<void> {
    const ids: unknown = data.get(DRAGGED)?.value;
    const node = target === undefined ? undefined : this.node(target);
    const host = node?.kind === 'vm' ? this.hosts.find(one => isHostOf(one, node)) : node;
    if (host?.kind !== 'host' || !Array.isArray(ids)) return;
    const vms = this.vmsOf(ids).filter(vm => !isHostOf(host, vm));
    if (vms.length > 0 && vscode.workspace.isTrusted) await this.onDrop?.(vms, host);
  }

  node(id: string): InventoryNode | undefined {
    return this.model.node(id);
  }

  /** What a command acts on: what the menu was opened on, all that is selected with it, or, by key, the selection. */
  targets(argument: unknown, selected: unknown): string[] {
    const ids: unknown[] = Array.isArray(selected) ? selected : [argument];
    const found = ids.filter(id => typeof id === 'string' && this.node(id) !== undefined) as string[];
    return found.length > 0 || argument !== undefined ? found : [...this.view.selection];
  }

  /** The VMs among these, each once wherever it stands. */
  vmsOf(ids: readonly unknown[]): NodeOf<'vm'>[] {
    const found = new Map<string, NodeOf<'vm'>>();
    for (const id of ids) {
      const node = typeof id === 'string' ? this.node(id) : undefined;
      if (node?.kind === 'vm') found.set(`${node.connection} ${node.vm.uuid}`, node);
    }
    return [...found.values()];
  }

  showMore(id: unknown): void {
    const node = typeof id === 'string' ? this.node(id) : undefined;
    if (node?.kind !== 'more') return;
    this.model.showMore(node.of);
    this.changed.fire(this.model.node(node.of) ? [node.of] : undefined);
  }

  /** Selects a VM or host by its name, and takes a filter away that hides it. False: it is not there. */
  async reveal(name: string): Promise<boolean> {
    await vscode.commands.executeCommand(`${views.inventory}.focus`);
    const node =
      this.vms.find(({ vm }) => vm.name === name || vm.uuid === name) ??
      this.hosts.find(({ host }) => host.name === name);
    if (!node) return false;
    let id = this.model.place(node);
    if (id === undefined) {
      await this.arrange(node.kind === 'host' ? { filter: noFilter, grouping: 'host' } : { filter: noFilter });
      id = this.model.place(node);
    }
    if (id === undefined) return false;
    const { parts } = parseId(id);
    this.changed.fire(node.kind === 'vm' && parts[2] === undefined ? [this.model.parent(id) ?? id] : undefined);
    await this.view.reveal(id, { select: true, focus: true });
    return true;
  }

  get inventory(): { uri: vscode.Uri; inventory: Inventory } | undefined {
    const { state } = this.file;
    return state.state === 'ready' ? state : undefined;
  }

  /** All of them, also those that a filter hides. */
  get vms(): NodeOf<'vm'>[] {
    return [...this.model.allVms()];
  }

  get hosts(): NodeOf<'host'>[] {
    return [...this.model.allHosts()].sort((one, other) => compareNames(one.host.name, other.host.name));
  }

  /** The line beside a node's name. */
  describe(node: InventoryNode): string {
    return this.model.row(node).description;
  }

  actionsOf(node: InventoryNode): string[] {
    return this.model.row(node).actions;
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
    const node = typeof id === 'string' ? this.node(id) : undefined;
    if (node?.kind === 'connection') this.live?.refresh(node.connection);
  }

  /** What its connections show, as far as they have been looked at. */
  get shown(): SeenConnection[] {
    return this.model.connections.flatMap(({ name }) => {
      const state = this.model.state(name);
      return state ? [{ connection: name, hosts: state.hosts, vms: state.vms }] : [];
    });
  }

  /** What a run changed may come without an event, e.g. a snapshot. */
  nudge(): void {
    this.live?.touch();
  }

  /** Names for checks and completion, when this view shows that inventory. */
  seen(uri: vscode.Uri): SeenNames | undefined {
    if (!this.live || uriOf(this.file.state)?.toString() !== uri.toString()) return undefined;
    const hosts: Record<string, string[]> = {};
    const capabilities: NonNullable<SeenNames['capabilities']> = {};
    const vmsOn: Record<string, string[]> = {};
    const seen: SeenNames = { hosts, capabilities, vmsOn };
    const { connections } = this.model;
    const states = connections.map(({ name }) => this.model.state(name));
    connections.forEach((view, at) => {
      const state = states[at];
      if (!state) return;
      hosts[view.name] = state.hosts.map(host => host.name);
      capabilities[view.name] = view.capabilities;
      vmsOn[view.name] = state.vms.flatMap(vm => [vm.name, vm.uuid]);
    });
    // Complete only when every connection has answered.
    if (connections.every((view, at) => view.phase === 'connected' && states[at])) {
      const vms = states.flatMap(state => state?.vms ?? []);
      seen.vms = vms.map(vm => vm.name);
      seen.uuids = vms.map(vm => vm.uuid);
      seen.datastores = [...new Set(states.flatMap(state => state?.datastores.map(store => store.name) ?? []))];
    }
    return seen;
  }

  /** A VM's or host's state in a few words, for hover. */
  liveState(kind: 'vm' | 'host', name: string): string | undefined {
    if (kind === 'host') {
      for (const node of this.model.allHosts()) if (node.host.name === name) return this.describe(node);
      return undefined;
    }
    const node = this.model.vmNamed(name);
    return node && `${this.describe(node)} · on ${node.vm.host}`;
  }

  dispose(): void {
    void this.live?.dispose();
    for (const item of [...this.disposables, ...this.labWatchers]) item.dispose();
  }
}

function isHostOf({ connection, host }: NodeOf<'host'>, node: NodeOf<'vm'>): boolean {
  return connection === node.connection && host.name === node.vm.host;
}

function collapsible(node: InventoryNode): vscode.TreeItemCollapsibleState {
  const { Collapsed, Expanded, None } = vscode.TreeItemCollapsibleState;
  switch (node.kind) {
    case 'connection':
    case 'host':
    case 'group':
      return Expanded;
    case 'vm':
      return parseId(node.id).parts[2]?.startsWith('volume:') ? None : Collapsed;
    case 'storage':
    case 'datastore':
    case 'volume':
      return Collapsed;
    default:
      return None;
  }
}
