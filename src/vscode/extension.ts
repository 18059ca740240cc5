import * as vscode from 'vscode';
import { commandRegistrar } from './commandRegistrar';
import { Debugger } from './debug/debugger';
import { commands } from './ids';
import {
  chooseInventory,
  createInventory,
  newRunbook,
  openExample,
  openInventory,
} from './inventory/inventoryCommands';
import { InventoryFile } from './inventory/inventoryFile';
import { InventoryView } from './inventory/inventoryView';
import { LanguageFeatures } from './language/languageFeatures';
import { PlanLenses } from './language/planLenses';
import { RunLenses } from './language/runLenses';
import { connect } from './lazy';
import { runbookUri } from './plan/planCommands';
import { PlanDocuments } from './plan/planDocuments';
import { Prompts } from './prompts';
import { registerReview } from './review/registerReview';
import { RunbooksView } from './runbooks/runbooksView';
import { RunCommands } from './runCommands';
import { RunPageOpener } from './runPage/runPageOpener';
import { JournalDocuments } from './runs/journalDocuments';
import { RunProgress } from './runs/runProgress';
import { RunsCommands, runIdOf } from './runs/runsCommands';
import { RunsService } from './runs/runsService';
import { RunsStatus } from './runs/runsStatus';
import { RunsView } from './runs/runsView';
import { VirtbookTasks } from './tasks/taskProvider';
import { Terminals } from './terminals/terminals';
import { registerLanguageModelTools } from './tools/languageModelTools';
import { registerMcpServer } from './tools/mcpServers';
import { EditorToolBackend } from './tools/toolBackend';
import { registerViewCommands } from './views';
import { VmCommands } from './vm/vmCommands';
import { openWalkthrough } from './walkthrough';

/** Wires the parts together. Opens no connection and starts no process. */
export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel('Virtbook', { log: true });
  const prompts = new Prompts(context.secrets);
  const runs = new RunsService(log);
  const file = new InventoryFile(context.workspaceState, log);
  const inventory = new InventoryView(
    file,
    (definition, uri, connection) => connect().openConnection(definition, uri.fsPath, connection, prompts.ssh()),
    context.workspaceState,
    log,
  );
  const features = new LanguageFeatures(log, {
    seen: uri => inventory.seen(uri),
    state: (kind, name) => inventory.liveState(kind, name),
    lastValues: async document => (document.uri.scheme === 'file' ? runs.lastValues(document.uri.fsPath) : undefined),
  });
  const plans = new PlanDocuments();
  const journals = new JournalDocuments(runs);
  const progress = new RunProgress(runs, () => prompts.person(), log);
  const pages = new RunPageOpener(context, runs, log);
  const runCommands = new RunCommands(
    features,
    runs,
    progress,
    plans,
    () => ({ hosts: inventory.hosts.map(node => node.host.name), vms: inventory.vms.map(node => node.vm.name) }),
    () => inventory.shown,
    prompts,
    pages,
    log,
  );
  const vm = new VmCommands(inventory, runCommands, vscode.Uri.joinPath(context.globalStorageUri, 'actions'));
  context.subscriptions.push(new VirtbookTasks(context.extensionPath).register());
  const terminals = new Terminals(inventory, prompts, log);
  const runsView = new RunsView(runs, log);
  const runsCommands = new RunsCommands(runs, progress);
  const status = new RunsStatus(runs);
  const runbooks = new RunbooksView(runs, uri => inventory.seen(uri), log);
  context.subscriptions.push(status, runbooks);
  const debug = new Debugger(runs, runCommands, progress);
  context.subscriptions.push(debug);
  context.subscriptions.push(log, runs, file, inventory, features, plans, journals, progress, runsView, pages);
  context.subscriptions.push(new RunLenses(features, runs, log), new PlanLenses(features, true));

  const backend = new EditorToolBackend(
    features,
    () => inventory.shown,
    () => prompts.ssh(),
  );
  context.subscriptions.push(...registerLanguageModelTools(backend, runCommands));
  const mcp = registerMcpServer(context);
  if (mcp) context.subscriptions.push(mcp);
  const register = commandRegistrar(context, log);
  const withRunbook = (handler: (uri: vscode.Uri, pointer: string) => unknown) => (uri: unknown, pointer: unknown) => {
    const found = runbookUri(uri);
    return found && handler(found, typeof pointer === 'string' ? pointer : '');
  };
  const withRun = (handler: (runId: string) => unknown) => (argument: unknown) => handler(runIdOf(argument));

  register(
    commands.run,
    withRunbook(uri => runCommands.run(uri)),
  );
  register(
    commands.debug,
    withRunbook(uri => debug.launch(uri)),
  );
  register(
    commands.debugRun,
    withRun(runId => debug.attach(runId)),
  );
  register(
    commands.plan,
    withRunbook(uri => runCommands.plan(uri)),
  );
  register(
    commands.rehearse,
    withRunbook(uri => runCommands.rehearse(uri)),
  );
  register(
    commands.runStep,
    withRunbook((uri, only) => runCommands.run(uri, { only })),
  );
  register(
    commands.runFrom,
    withRunbook((uri, from) => runCommands.run(uri, { from })),
  );
  register(commands.newRunbook, () => newRunbook(file));
  register(commands.openWalkthrough, () => openWalkthrough(context.extension.id));
  register(commands.openExample, () => openExample(file));
  register(commands.vmConsole, terminals.console);
  register(commands.vmSsh, terminals.guest);
  register(commands.hostSsh, terminals.host);
  register(commands.showLog, () => log.show());
  register(commands.forgetSecrets, async () => {
    const count = await prompts.forget();
    void vscode.window.showInformationMessage(
      vscode.l10n.t('{0} kept passphrases, passwords and secrets were deleted.', count),
    );
  });
  register(commands.chooseInventory, () => chooseInventory(file));
  register(commands.openInventory, () => openInventory(file));
  register(commands.createInventory, () => createInventory(file));
  registerReview(context, register);
  registerViewCommands(register, { inventory, vm, runs: runsView, runsCommands, status, runbooks });
  register(
    commands.openRunPage,
    withRun(runId => pages.open(runId)),
  );
  register(
    commands.showJournal,
    withRun(runId => journals.showJournal(runId)),
  );
  register(commands.openRunbook, argument => runsCommands.openRunbook(argument));
  register(
    commands.cancelRun,
    withRun(runId => progress.cancel(runId)),
  );
  register(
    commands.rollBackRun,
    withRun(runId => runsCommands.rollBack(runId)),
  );
  register(
    commands.resumeRun,
    withRun(runId => runsCommands.resume(runId)),
  );
  register(
    commands.answerQuestion,
    withRun(runId => progress.answer(runId)),
  );
  register(commands.approveRun, (run, gate) => progress.decide(runIdOf(run), 'approve', keyOf(gate)));
  register(commands.rejectRun, (run, gate) => progress.decide(runIdOf(run), 'reject', keyOf(gate)));
  register(
    commands.openRemaining,
    withRun(runId => runsCommands.openRemaining(runId)),
  );

  context.subscriptions.push(
    // What a step changed shows in the tree although its hypervisor has no event for it.
    runs.onDidChangeRun(({ record }) => {
      if (record?.type === 'step.done' || record?.type === 'undo.done' || record?.type === 'commit.done')
        inventory.nudge();
    }),
    // Names that came or went may make or end a mistake.
    inventory.onDidChangeNames(() => features.namesChanged()),
    vscode.workspace.onDidGrantWorkspaceTrust(() => runsCommands.showRunning()),
  );
  // After activation: it reads the folder of runs.
  const later = setTimeout(
    () => void runsCommands.showRunning().catch(error => log.warn('Runs could not be read.', error)),
    0,
  );
  context.subscriptions.push({ dispose: () => clearTimeout(later) });
}

/** The tree gives a second argument of its own; a notification gives the key of an approval. */
function keyOf(argument: unknown): string | undefined {
  return typeof argument === 'string' ? argument : undefined;
}
