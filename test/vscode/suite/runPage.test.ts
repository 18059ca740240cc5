/// <reference types="mocha" />
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as vscode from 'vscode';
import { eventually } from '../eventually';
import { newLab } from '../newLab';

// The page of a run, terminals and tasks, inside the extension host of a real VS Code.

const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
const { executeCommand } = vscode.commands;

function file(name: string): vscode.Uri {
  assert.ok(folder, 'no folder is open');
  return vscode.Uri.joinPath(folder, name);
}

/** Does `body` with a function of VS Code's windows replaced. */
async function replacing<K extends keyof typeof vscode.window, T>(
  name: K,
  by: (original: (typeof vscode.window)[K]) => unknown,
  body: () => PromiseLike<T>,
): Promise<T> {
  const original = vscode.window[name];
  Object.assign(vscode.window, { [name]: by(original) });
  try {
    return await body();
  } finally {
    Object.assign(vscode.window, { [name]: original });
  }
}

/** Clicks that button of every question. */
const clicking = <T>(button: string, body: () => PromiseLike<T>) =>
  replacing(
    'showWarningMessage',
    () =>
      async (_text: string, ...rest: unknown[]) =>
        rest.includes(button) ? button : undefined,
    body,
  );

interface Told {
  type: string;
  head?: { status: string; actions: string[] };
  steps?: { key: string; live: { state: string } }[];
  changed?: [number, { state: string }][];
  lines?: { text: string }[];
}

/** The page that `open` opens, and everything it was told. */
async function pageOf(open: () => PromiseLike<unknown>): Promise<{ panel: vscode.WebviewPanel; told: Told[] }> {
  const told: Told[] = [];
  let panel: vscode.WebviewPanel | undefined;
  await replacing(
    'createWebviewPanel',
    original =>
      (...given: Parameters<typeof vscode.window.createWebviewPanel>) => {
        panel = original(...given);
        const { webview } = panel;
        const post = webview.postMessage.bind(webview);
        webview.postMessage = message => {
          // As it comes over.
          told.push(JSON.parse(JSON.stringify(message)));
          return post(message);
        };
        return panel;
      },
    open,
  );
  assert.ok(panel, 'no page was opened');
  return { panel, told };
}

const run = (name: string) =>
  clicking('Run', () => executeCommand<string>('virtbook.run', file(name))).then(runId => {
    assert.ok(runId, `${name} was not run`);
    return runId;
  });

const whole = (told: Told[]) => told.findLast(message => message.type === 'whole');
const statusOf = (told: Told[]) => told.findLast(message => message.head)?.head?.status;

// First: once the extension has said something of a document, VS Code 1.100 does not tell it any more what a task says under the same owner.
suite('tasks', () => {
  test('check, run and rehearse are offered', async () => {
    const tasks = await vscode.tasks.fetchTasks({ type: 'virtbook' });
    const names = tasks.map(task => task.name);
    for (const name of ['check', 'run slow.runbook.yaml', 'rehearse slow.runbook.yaml'])
      assert.ok(names.includes(name), `${name} is not among ${names.join(', ')}`);
  });

  /** Its exit code. */
  async function execute(task: vscode.Task): Promise<number | undefined> {
    const ended = new Promise<number | undefined>(resolve => {
      const listener = vscode.tasks.onDidEndTaskProcess(event => {
        if (event.execution.task.name !== task.name) return;
        listener.dispose();
        resolve(event.exitCode);
      });
    });
    await vscode.tasks.executeTask(task);
    return ended;
  }

  test('a check finds the mistakes of files that are not open, and its exit code says so', async () => {
    await executeCommand('workbench.action.closeAllEditors');
    const broken = vscode.Uri.joinPath(file('x'), '..', 'closed.runbook.yaml');
    const text = 'version: 1\nname: Closed\nsteps:\n  - uses: vm.stort\n    with: { vm: web1 }\n';
    await vscode.workspace.fs.writeFile(broken, new TextEncoder().encode(text));
    try {
      const tasks = await vscode.tasks.fetchTasks({ type: 'virtbook' });
      const check = tasks.find(task => task.name === 'check');
      assert.ok(check);
      assert.equal(await execute(check), 1);
      const [found] = await eventually(() => {
        const list = vscode.languages.getDiagnostics(broken).filter(one => one.code === 'unknown-action');
        return list.length > 0 && list;
      });
      assert.equal(found?.source, 'virtbook');
      assert.deepEqual([found?.range.start.line, found?.range.start.character], [3, 10]);
    } finally {
      await vscode.workspace.fs.delete(broken);
    }
  });

  test('a rehearsal runs in a terminal, to its end', async () => {
    assert.ok(vscode.workspace.workspaceFolders);
    const tasks = await vscode.tasks.fetchTasks({ type: 'virtbook' });
    const offered = tasks.find(task => task.name === 'rehearse snapshots.runbook.yaml');
    assert.ok(offered);
    assert.equal(await execute(offered), 0);
  });
});

suite('run page', () => {
  setup(newLab);

  test('opens beside the runbook, and is told the run as it goes', async () => {
    await vscode.window.showTextDocument(file('fails.runbook.yaml'));
    const { panel, told } = await pageOf(() => run('fails.runbook.yaml'));
    assert.equal(panel.viewType, 'virtbook.run');
    assert.equal(panel.title, 'Fails and takes itself back');
    // It does not take the focus.
    await eventually(() => vscode.window.activeTextEditor?.document.uri.path === file('fails.runbook.yaml').path);
    await eventually(() => statusOf(told) === 'rolled-back');
    const steps = whole(told)?.steps?.map(step => step.key);
    assert.deepEqual(steps, ['snapshot', 'check']);
    panel.dispose();
  });

  test('lets in its own script and style only', async () => {
    const runId = await run('fails.runbook.yaml');
    await executeCommand('workbench.action.closeAllEditors');
    const { panel, told } = await pageOf(() => executeCommand('virtbook.runs.openPage', runId));
    await eventually(() => statusOf(told) === 'rolled-back');
    const html = panel.webview.html.replaceAll('&#39;', "'");
    assert.match(
      html,
      /default-src 'none'; style-src [^;]+; script-src 'nonce-[^;']+'; base-uri 'none'; form-action 'none'"/,
    );
    assert.equal(html.match(/<script/g)?.length, 1);
    panel.dispose();
  });

  test('is told nothing while it is hidden, and everything when it is shown again', async () => {
    const runId = await run('slow.runbook.yaml');
    await executeCommand('workbench.action.closeAllEditors');
    const { panel, told } = await pageOf(() => executeCommand('virtbook.runs.openPage', runId));
    await eventually(() => statusOf(told) === 'done');
    assert.ok(told.findLast(message => message.head)?.head?.actions.includes('rollBack'));
    await vscode.window.showTextDocument(file('slow.runbook.yaml'), { preview: false, viewColumn: panel.viewColumn });
    await eventually(() => !panel.visible);
    const before = told.length;
    await clicking('Roll Back', () => executeCommand('virtbook.runs.rollBack', runId));
    await eventually(async () => {
      await executeCommand('virtbook.runs.refresh');
      const uri = vscode.Uri.from({ scheme: 'virtbook-journal', path: `/${runId}.log` });
      return (await vscode.workspace.openTextDocument(uri)).getText().includes('■ rolled-back');
    });
    assert.equal(told.length, before);
    // By its command: the page that is there is shown, no other one is made.
    await executeCommand('virtbook.runs.openPage', runId);
    await eventually(() => statusOf(told) === 'rolled-back');
    assert.ok(told.slice(before).some(message => message.type === 'whole'));
    panel.dispose();
  });
});

/** The node of a VM of the lab: its uuid is made from its name. */
function vmNode(name: string): string {
  const hex = createHash('sha256').update(`virtbook simulated vm ${name}`).digest('hex');
  const uuid = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  return `vm:lab/${uuid}`;
}

suite('terminals', () => {
  suiteSetup(async () => {
    await executeCommand('virtbook.inventory.focus');
    await executeCommand('virtbook.inventory.refresh');
  });

  /** What VS Code is given to make a terminal of. */
  async function terminalOf(command: string, id: string): Promise<vscode.ExtensionTerminalOptions | undefined> {
    let made: vscode.ExtensionTerminalOptions | undefined;
    await replacing(
      'createTerminal',
      () => (options: vscode.ExtensionTerminalOptions) => {
        made = options;
        return { show() {} };
      },
      () => executeCommand(command, id),
    );
    return made;
  }

  test('the console of a VM says that it is simulated, takes what is typed, and is closed by Ctrl+]', async () => {
    const options = await eventually(() => terminalOf('virtbook.vm.console', vmNode('web1')));
    assert.equal(options.name, 'web1 console');
    const { pty } = options;
    let screen = '';
    let closed = false;
    pty.onDidWrite(text => {
      screen += text;
    });
    pty.onDidClose?.(() => {
      closed = true;
    });
    pty.open({ columns: 80, rows: 24 });
    await eventually(() => /Serial console of web1 on hv\d/.test(screen) && screen.includes('web1:~# '));
    assert.match(screen, /Simulated console of web1/);
    pty.handleInput?.('hostname\r');
    await eventually(() => screen.includes('hostname\r\nweb1\r\n'));
    pty.handleInput?.('\x1d');
    assert.equal(closed, true);
    pty.close();
  });

  test('SSH to what is simulated is refused, with what to do instead', async () => {
    const shown: string[] = [];
    await replacing(
      'showErrorMessage',
      () => async (text: string) => void shown.push(text),
      () =>
        eventually(async () => {
          assert.equal(await terminalOf('virtbook.vm.ssh', vmNode('web1')), undefined);
          return shown.length > 0;
        }),
    );
    assert.match(shown.join('\n'), /web1 is simulated, so it has no SSH\. Open its console instead\./);
  });
});
