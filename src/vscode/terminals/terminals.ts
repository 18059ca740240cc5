import path from 'node:path';
import * as vscode from 'vscode';
import type { VmInfo } from '../../hypervisors/ports';
import type { Inventory } from '../../inventory/model';
import type { ShellPlace } from '../../runner/shell-place';
import type { InventoryNode } from '../inventory/inventoryTree';
import { connect } from '../lazy';
import type { Prompts } from '../prompts';
import { ByteTerminal, type Line, type LineEvents } from './byteTerminal';

/** Ctrl+], as in `virsh console`. */
const ESCAPE = '\x1d';

/** What the Inventory view knows. */
interface Shown {
  node(id: string): InventoryNode | undefined;
  readonly inventory: { uri: vscode.Uri; inventory: Inventory } | undefined;
}

/** Consoles of VMs, and shells over SSH, as terminals. Each has a connection of its own, which ends with it. */
export class Terminals {
  constructor(
    private readonly view: Shown,
    private readonly prompts: Prompts,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  console = (id: unknown): vscode.Terminal | undefined => {
    const node = this.node(id);
    const shown = this.shown();
    if (node?.kind !== 'vm' || !shown) return undefined;
    const { vm, connection } = node;
    const { inventory, uri } = shown;
    return this.show(
      vscode.l10n.t('{0} console', vm.name),
      new vscode.ThemeIcon('vm'),
      new ByteTerminal({
        greeting: vscode.l10n.t(
          'Serial console of {0} on {1}. Ctrl+] closes it. Press Enter if nothing shows.',
          vm.name,
          vm.host,
        ),
        escapeKey: ESCAPE,
        connect: events => this.openConsole(inventory, uri.fsPath, connection, vm, events),
        onProblem: error => this.log.warn(`The console of ${vm.name} could not be opened.`, error),
      }),
    );
  };

  private async openConsole(
    inventory: Inventory,
    file: string,
    connection: string,
    vm: VmInfo,
    events: LineEvents,
  ): Promise<Line | undefined> {
    const open = (force: boolean) =>
      connect().openConsole(inventory, file, connection, vm.uuid, this.prompts.ssh(), {
        force,
        onData: events.onData,
        onEnd: error =>
          events.onEnd({
            text: error?.message ?? vscode.l10n.t('The console is closed: the VM is off, or somebody has taken it.'),
          }),
      });
    try {
      return await open(false);
    } catch (error) {
      // Errors of another bundle are told by what they hold.
      if (!(error instanceof Error && 'kind' in error && error.kind === 'busy')) throw error;
      const take = vscode.l10n.t('Take It');
      const answer = await vscode.window.showWarningMessage(
        vscode.l10n.t('Somebody else has the console of {0} open. Take it?', vm.name),
        { modal: true, detail: vscode.l10n.t('Their terminal is closed. What they have typed stays.') },
        take,
      );
      return answer === take ? open(true) : undefined;
    }
  }

  guest = (id: unknown): vscode.Terminal | undefined => {
    const node = this.node(id);
    const shown = this.shown();
    if (node?.kind !== 'vm' || !shown) return undefined;
    const { shellOfGuest } = connect();
    const place = shellOfGuest(shown.inventory, path.dirname(shown.uri.fsPath), node.connection, node.vm);
    return this.shell(node.vm.name, place);
  };

  host = (id: unknown): vscode.Terminal | undefined => {
    const node = this.node(id);
    const shown = this.shown();
    if (node?.kind !== 'host' || !shown) return undefined;
    const { shellOfHost } = connect();
    return this.shell(node.host.name, shellOfHost(shown.inventory, path.dirname(shown.uri.fsPath), node.connection));
  };

  private shell(name: string, place: ShellPlace): vscode.Terminal {
    if ('local' in place) {
      const terminal = vscode.window.createTerminal({ name });
      terminal.show();
      return terminal;
    }
    return this.show(
      name,
      new vscode.ThemeIcon('terminal'),
      new ByteTerminal({
        greeting: vscode.l10n.t('SSH to {0}', place.ssh),
        connect: events =>
          connect().openShell(place.ssh, place.configFile, this.prompts.ssh(), {
            columns: events.columns,
            rows: events.rows,
            onData: events.onData,
            onEnd: ({ code, signal, lost }) =>
              events.onEnd({
                ...(code !== undefined && { code }),
                ...(lost && { text: lost.message }),
                ...(signal !== undefined && { text: vscode.l10n.t('The shell was ended by the signal {0}.', signal) }),
              }),
          }),
        onProblem: error => this.log.warn(`No shell on ${place.ssh}.`, error),
      }),
    );
  }

  private node(id: unknown): InventoryNode | undefined {
    return typeof id === 'string' ? this.view.node(id) : undefined;
  }

  private shown(): { uri: vscode.Uri; inventory: Inventory } | undefined {
    if (!vscode.workspace.isTrusted)
      throw new Error(vscode.l10n.t('Nothing connects in a workspace that is not trusted.'));
    return this.view.inventory;
  }

  private show(name: string, iconPath: vscode.ThemeIcon, pty: vscode.Pseudoterminal): vscode.Terminal {
    // After a reload there would be nobody behind it.
    const terminal = vscode.window.createTerminal({ name, pty, iconPath, isTransient: true });
    terminal.show();
    return terminal;
  }
}
