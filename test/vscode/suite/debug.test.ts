/// <reference types="mocha" />
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { eventually } from '../eventually';
import { newLab } from '../newLab';

// Run and Debug inside the extension host of a real VS Code, on a copy of test/vscode/fixture with its simulated lab.

const folder = vscode.workspace.workspaceFolders?.[0];

function file(name: string): vscode.Uri {
  assert.ok(folder, 'no folder is open');
  return vscode.Uri.joinPath(folder.uri, name);
}

interface Message {
  event?: string;
  body?: Record<string, unknown>;
}

/** Everything that the adapter of our sessions says, and what modal dialogs would have asked; they are answered with these. */
function watch(...answers: string[]) {
  const { window } = vscode;
  const original = {
    showWarningMessage: window.showWarningMessage,
    showInformationMessage: window.showInformationMessage,
  };
  const shown: string[] = [];
  const note = async (message: string, ...rest: unknown[]) => {
    const options = rest.find((item): item is { detail?: string } => typeof item === 'object' && item !== null);
    shown.push([message, options?.detail].filter(Boolean).join('\n'));
    return answers.find(answer => rest.includes(answer));
  };
  Object.assign(window, { showWarningMessage: note, showInformationMessage: note });
  const events: Message[] = [];
  const tracker = vscode.debug.registerDebugAdapterTrackerFactory('virtbook', {
    createDebugAdapterTracker: () => ({ onDidSendMessage: (message: Message) => void events.push(message) }),
  });
  return {
    shown,
    /** The next event of a kind that nobody has asked for. */
    event: (name: string) =>
      eventually(() => {
        const at = events.findIndex(message => message.event === name);
        return at >= 0 && events.splice(at, 1)[0]?.body;
      }),
    dispose: () => {
      tracker.dispose();
      Object.assign(window, original);
    },
  };
}

/** Line of the frame in front, once VS Code shows it. */
const frontLine = (session: vscode.DebugSession) =>
  eventually(async () => {
    const item = vscode.debug.activeStackItem;
    if (!(item instanceof vscode.DebugStackFrame)) return undefined;
    const { stackFrames } = (await session.customRequest('stackTrace', { threadId: item.threadId })) as {
      stackFrames: { line: number }[];
    };
    return stackFrames[0]?.line;
  });

/** VS Code's own, once it is there. */
const activeSession = () => eventually(() => vscode.debug.activeDebugSession);

suite('debugger', () => {
  setup(newLab);
  teardown(async () => {
    vscode.debug.removeBreakpoints(vscode.debug.breakpoints);
    await vscode.debug.stopDebugging();
    await eventually(() => vscode.debug.activeDebugSession === undefined);
  });

  test('asks as Run does, stops at a breakpoint, goes over a step and back, and ends', async () => {
    const watched = watch('Debug');
    try {
      const uri = file('snapshots.runbook.yaml');
      const place = new vscode.Location(uri, new vscode.Position(12, 0));
      vscode.debug.addBreakpoints([new vscode.SourceBreakpoint(place)]);
      await vscode.window.showTextDocument(uri);
      assert.equal(await vscode.commands.executeCommand('virtbook.debug', uri), true);
      const [question] = watched.shown.filter(text => text.startsWith('Debug '));
      assert.match(question ?? '', /^Debug Snapshot the web servers\?\nChanges VMs [\s\S]*Plan [0-9a-f]{12}$/);
      const stopped = await watched.event('stopped');
      assert.equal(stopped.reason, 'breakpoint');
      const session = await activeSession();
      assert.equal(await frontLine(session), 13);
      const { threadId } = stopped;
      await session.customRequest('stepBack', { threadId });
      assert.equal((await watched.event('stopped')).reason, 'step');
      await session.customRequest('continue', { threadId });
      assert.equal((await watched.event('stopped')).reason, 'breakpoint');
      await session.customRequest('continue', { threadId });
      assert.equal((await watched.event('exited')).exitCode, 0);
    } finally {
      watched.dispose();
    }
  });

  test('starts nothing when the person says no', async () => {
    const watched = watch('nothing');
    try {
      const started = await vscode.commands.executeCommand('virtbook.debug', file('snapshots.runbook.yaml'));
      // How the run before ended may be told meanwhile.
      assert.equal(watched.shown.filter(text => text.startsWith('Debug ')).length, 1);
      assert.equal(started, false);
    } finally {
      watched.dispose();
    }
  });

  test('runs on a simulated copy without asking, and says so', async () => {
    const watched = watch('nothing');
    try {
      const runbook = file('slow.runbook.yaml').fsPath;
      const configuration = { type: 'virtbook', request: 'launch', name: 'copy', runbook, target: 'simulated' };
      assert.equal(await vscode.debug.startDebugging(folder, { ...configuration, stopOnEntry: true }), true);
      assert.match(String((await watched.event('output')).output), /^SIMULATED: .*nothing real is touched/);
      const { threadId } = await watched.event('stopped');
      await (await activeSession()).customRequest('continue', { threadId });
      assert.equal((await watched.event('exited')).exitCode, 0);
    } finally {
      watched.dispose();
    }
  });

  test('attaches to a run that goes on by itself, and leaves it going', async () => {
    const watched = watch('Run', 'Approve');
    try {
      const uri = file('waits.runbook.yaml');
      const text = 'version: 1\nname: Waits\nsteps:\n  - { id: gate, approve: { message: Go on? } }\n  - wait: 1s\n';
      await vscode.workspace.fs.writeFile(uri, Buffer.from(text));
      const runId = await vscode.commands.executeCommand<string>('virtbook.run', uri);
      assert.ok(runId);
      assert.equal(await vscode.commands.executeCommand('virtbook.runs.debug', runId), true);
      const session = await activeSession();
      const { threads } = (await session.customRequest('threads')) as { threads: unknown[] };
      assert.ok(threads.length > 0);
      await vscode.commands.executeCommand('workbench.action.debug.disconnect');
      await eventually(() => vscode.debug.activeDebugSession === undefined);
      await vscode.commands.executeCommand('virtbook.runs.approve', runId);
      const journal = vscode.Uri.from({ scheme: 'virtbook-journal', path: `/${runId}.log` });
      const document = await vscode.workspace.openTextDocument(journal);
      await eventually(() => document.getText().includes('■ done'));
    } finally {
      watched.dispose();
    }
  });
});
