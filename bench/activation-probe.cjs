// Loads an extension's bundle with a stand-in for `vscode`, activates it, and prints what that loaded and reached for:
//   node activation-probe.cjs BUNDLE empty|runbook
// A process of its own, so that nothing of the bench is in the way. Prints one line of JSON.
const Module = require('node:module');
const path = require('node:path');

const [bundle, scene] = process.argv.slice(2);
const loaded = [];
const reached = [];

// What may not happen at activation: connections, listeners, name look-ups, processes, threads.
const watch = (owner, name, what) => {
  const original = owner[name];
  owner[name] = function (...args) {
    reached.push(`${what}.${name}`);
    return original.apply(this, args);
  };
};
const net = require('node:net');
watch(net.Socket.prototype, 'connect', 'net');
watch(net.Server.prototype, 'listen', 'net');
const dns = require('node:dns');
for (const name of ['lookup', 'resolve', 'resolve4', 'resolve6']) {
  watch(dns, name, 'dns');
  watch(dns.promises, name, 'dns.promises');
}
watch(require('node:dgram'), 'createSocket', 'dgram');
const processes = require('node:child_process');
for (const name of ['spawn', 'exec', 'execFile', 'fork', 'spawnSync', 'execSync', 'execFileSync'])
  watch(processes, name, 'child_process');
watch(globalThis, 'fetch', 'global');
const threads = require('node:worker_threads');
threads.Worker = class extends threads.Worker {
  constructor(...args) {
    reached.push('worker_threads.Worker');
    super(...args);
  }
};

// `vscode`: whatever is asked for is there; objects are disposable, lists are empty, questions get no answer.
function anything(name) {
  const target = class {};
  return new Proxy(target, {
    get(_, key) {
      if (key === 'prototype') return target.prototype;
      if (key === 'then' || key === Symbol.iterator || key === Symbol.asyncIterator) return undefined;
      if (key === Symbol.toPrimitive) return () => name;
      target[key] ??= anything(`${name}.${String(key)}`);
      return target[key];
    },
    set(_, key, value) {
      target[key] = value;
      return true;
    },
    apply: () => anything(`${name}()`),
    construct: (_, __, self) => Object.create(self?.prototype ?? {}),
  });
}
const over = (name, known) => Object.assign(anything(name), known);
const disposable = over('disposable', { dispose() {} });
const registered = [];
const register =
  kind =>
  (...args) => {
    registered.push(typeof args[0] === 'string' ? `${kind} ${args[0]}` : kind);
    return disposable;
  };
class EventEmitter {
  event = () => disposable;
  fire() {}
  dispose() {}
}
const uri = file =>
  over('uri', {
    scheme: 'file',
    fsPath: file,
    path: file,
    toString: () => `file://${file}`,
    with: () => uri(file),
  });
const text =
  'version: 1\nname: A\ninventory: ./lab.inventory.yaml\nsteps:\n  - uses: vm.start\n    with: { vm: web1 }\n';
const runbook = over('document', {
  languageId: 'virt-runbook',
  uri: uri('/workspace/a.runbook.yaml'),
  fileName: '/workspace/a.runbook.yaml',
  version: 1,
  isClosed: false,
  lineCount: 7,
  getText: () => text,
  positionAt: offset => ({ line: 0, character: offset }),
  offsetAt: position => position.character,
});
const configuration = {
  get: (_, fallback) => fallback,
  has: () => false,
  inspect: () => undefined,
  update: async () => {},
};
const log = over('log', { ...disposable });
for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'append', 'appendLine', 'show']) log[level] = () => {};
const open = scene === 'runbook';
const vscode = over('vscode', {
  version: '1.100.0',
  EventEmitter,
  Uri: over('Uri', { file: uri, parse: uri, joinPath: (base, ...rest) => uri(path.posix.join(base.path, ...rest)) }),
  Disposable: Object.assign(
    class {
      dispose() {}
    },
    { from: () => disposable },
  ),
  commands: over('commands', { registerCommand: register('command'), executeCommand: async () => undefined }),
  languages: over('languages', {
    createDiagnosticCollection: () => over('diagnostics', { ...disposable, set() {}, delete() {}, clear() {} }),
    match: () => 0,
    ...Object.fromEntries(
      [
        'CodeLens',
        'CompletionItem',
        'Hover',
        'DocumentSymbol',
        'CodeActions',
        'Definition',
        'DocumentLink',
        'FoldingRange',
        'Rename',
        'Reference',
      ].map(kind => [`register${kind}Provider`, register(kind)]),
    ),
  }),
  window: over('window', {
    createOutputChannel: () => log,
    createTreeView: (...args) => over('view', { ...register('tree')(...args), visible: false, selection: [] }),
    registerTreeDataProvider: register('tree'),
    createStatusBarItem: () => over('status', { ...disposable, show() {}, hide() {} }),
    showInformationMessage: async () => undefined,
    showWarningMessage: async () => undefined,
    showErrorMessage: async message => void reached.push(`error shown: ${message}`),
    withProgress: async (_, work) =>
      work({ report() {} }, { isCancellationRequested: false, onCancellationRequested: () => disposable }),
    activeTextEditor: undefined,
    visibleTextEditors: open ? [over('editor', { document: runbook })] : [],
    tabGroups: over('tabs', { all: [] }),
  }),
  workspace: over('workspace', {
    isTrusted: true,
    textDocuments: open ? [runbook] : [],
    workspaceFolders: [{ uri: uri('/workspace'), name: 'workspace', index: 0 }],
    getConfiguration: () => configuration,
    getWorkspaceFolder: () => ({ uri: uri('/workspace'), name: 'workspace', index: 0 }),
    findFiles: async () => (open ? [uri('/workspace/lab.inventory.yaml')] : []),
    createFileSystemWatcher: () =>
      over('watcher', {
        ...disposable,
        onDidChange: () => disposable,
        onDidCreate: () => disposable,
        onDidDelete: () => disposable,
      }),
    fs: over('fs', {
      readFile: async () => {
        throw Object.assign(new Error('no such file'), { code: 'FileNotFound' });
      },
      stat: async () => {
        throw Object.assign(new Error('no such file'), { code: 'FileNotFound' });
      },
      readDirectory: async () => [],
    }),
    asRelativePath: file => String(file.fsPath ?? file),
  }),
});
// Every `onDid…` event can be listened to.
for (const part of [vscode.window, vscode.workspace, vscode.languages])
  for (const key of [
    'onDidChangeActiveTextEditor',
    'onDidChangeVisibleTextEditors',
    'onDidOpenTextDocument',
    'onDidCloseTextDocument',
    'onDidChangeTextDocument',
    'onDidSaveTextDocument',
    'onDidChangeConfiguration',
    'onDidGrantWorkspaceTrust',
    'onDidChangeWorkspaceFolders',
    'onDidCreateFiles',
    'onDidDeleteFiles',
    'onDidRenameFiles',
    'onDidChangeDiagnostics',
  ])
    part[key] = () => disposable;

// esbuild's import helper copies own keys and keeps the prototype: what is not listed is found there.
const vscodeModule = Object.create(vscode);

const load = Module._load;
Module._load = function (request, parent, isMain) {
  if (request === 'vscode') return vscodeModule;
  const file = Module._resolveFilename(request, parent, isMain);
  if (path.isAbsolute(file)) {
    if (!loaded.includes(file)) loaded.push(file);
  }
  return load.call(this, request, parent, isMain);
};

async function main() {
  const state = { get: (_, fallback) => fallback, update: async () => {}, keys: () => [], setKeysForSync() {} };
  const root = path.dirname(path.dirname(bundle));
  const context = over('context', {
    subscriptions: [],
    workspaceState: state,
    globalState: state,
    extensionPath: root,
    extensionUri: uri(root),
    storageUri: uri('/nowhere/storage'),
    globalStorageUri: uri('/nowhere/global'),
    logUri: uri('/nowhere/log'),
    extensionMode: 1,
    asAbsolutePath: file => path.join(root, file),
    secrets: {
      get: async () => undefined,
      store: async () => {},
      delete: async () => {},
      onDidChange: () => disposable,
    },
  });
  const begun = performance.now();
  const extension = require(bundle);
  const read = performance.now();
  await extension.activate(context);
  const activated = performance.now();
  const atActivation = loaded.length;
  // What is put off by timers may load more, but may reach for no more.
  await new Promise(resolve => setTimeout(resolve, 1500));
  const failure = unhandled.length ? { unhandled } : {};
  console.log(
    JSON.stringify({
      loaded: loaded.map(file => path.relative(path.dirname(bundle), file)),
      atActivation,
      reached,
      registered,
      loadMs: read - begun,
      activateMs: activated - read,
      ...failure,
    }),
  );
  process.exit(0);
}
const unhandled = [];
process.on('unhandledRejection', error => unhandled.push(String(error?.stack ?? error)));
process.on('uncaughtException', error => unhandled.push(String(error?.stack ?? error)));
main().catch(error => {
  console.error(error);
  process.exit(1);
});
