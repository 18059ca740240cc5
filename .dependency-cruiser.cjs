// The house rule: rooms import downwards only. Each room lists what it may reach; see docs/architecture.md.
const below = {
  runbook: [],
  ssh: [],
  hypervisors: ['ssh', 'runbook'],
  inventory: ['hypervisors', 'runbook'],
  actions: ['inventory', 'hypervisors', 'runbook'],
  engine: ['actions', 'inventory', 'hypervisors', 'runbook'],
  editor: ['engine', 'actions', 'inventory', 'hypervisors', 'runbook'],
  // What a rehearsal is made of, for threads, workers and reviews alike.
  rehearsal: ['engine', 'actions', 'inventory', 'hypervisors', 'runbook'],
  review: ['editor', 'rehearsal', 'engine', 'actions', 'inventory', 'hypervisors', 'runbook'],
  // Revisions of a repository on disk, as reviews read them.
  git: ['review', 'runbook'],
  runner: ['rehearsal', 'engine', 'actions', 'inventory', 'hypervisors', 'ssh', 'runbook'],
  // Faces of the same rooms for other programs: the Debug Adapter, Language Server and Model Context protocols.
  debug: ['editor', 'runner', 'rehearsal', 'engine', 'actions', 'inventory', 'hypervisors', 'ssh', 'runbook'],
  lsp: ['editor', 'engine', 'actions', 'inventory', 'hypervisors', 'runbook'],
  mcp: ['lsp', 'editor', 'runner', 'rehearsal', 'engine', 'actions', 'inventory', 'hypervisors', 'ssh', 'runbook'],
  cli: [
    'review',
    'debug',
    'lsp',
    'mcp',
    'editor',
    'git',
    'runner',
    'rehearsal',
    'engine',
    'actions',
    'inventory',
    'hypervisors',
    'ssh',
    'runbook',
  ],
  vscode: [
    'review',
    'debug',
    'lsp',
    'mcp',
    'editor',
    'git',
    'runner',
    'rehearsal',
    'engine',
    'actions',
    'inventory',
    'hypervisors',
    'ssh',
    'runbook',
  ],
};
// Rooms that also run in a browser: no node built-in reaches them.
const pure = '^src/(runbook|inventory|actions|engine|rehearsal|editor|review|hypervisors/(simulated/|[^/]+[.]ts$))';
const rooms = Object.keys(below);
module.exports = {
  forbidden: [
    ...rooms.map(room => ({
      name: `${room}-imports-downwards`,
      severity: 'error',
      from: { path: `^src/${room}/` },
      to: { path: '^src/', pathNot: `^src/(${[room, ...below[room]].join('|')})/` },
    })),
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'only-vscode-imports-vscode',
      severity: 'error',
      from: { path: '^src', pathNot: '^src/vscode/' },
      to: { path: '^vscode$|@types/vscode/' },
    },
    { name: 'pure-rooms-have-no-node', severity: 'error', from: { path: pure }, to: { dependencyTypes: ['core'] } },
    {
      name: 'pure-rooms-have-no-ssh',
      severity: 'error',
      from: { path: pure },
      to: { path: '^src/(ssh|runner|git|hypervisors/libvirt)/' },
    },
    // The engine knows what an action needs (ports), never which hypervisor gives it.
    {
      name: 'engine-knows-no-hypervisor',
      severity: 'error',
      from: { path: '^src/engine/' },
      to: { path: '^src/hypervisors/.+/' },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^(vscode|cpu-features)$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { conditionNames: ['import', 'node', 'default'], exportsFields: ['exports'] },
    exclude: { path: '[.]css$' },
  },
};
