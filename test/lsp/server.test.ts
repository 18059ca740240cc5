import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  CancellationTokenSource,
  type ClientCapabilities,
  CodeActionRequest,
  type CompletionItem,
  CompletionRequest,
  DefinitionRequest,
  type Diagnostic,
  DocumentDiagnosticRequest,
  DocumentFormattingRequest,
  DocumentHighlightRequest,
  DocumentLinkRequest,
  DocumentRangeFormattingRequest,
  type DocumentSymbol,
  DocumentSymbolRequest,
  FoldingRangeRequest,
  HoverRequest,
  type InitializeResult,
  InlayHintRequest,
  type Location,
  PrepareRenameRequest,
  ReferencesRequest,
  RenameRequest,
  SelectionRangeRequest,
  SemanticTokensRequest,
  WorkspaceSymbolRequest,
} from 'vscode-languageserver/node';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { buildServer, Client, type Folder, folderOf } from './client';

// The built `virtbook lsp`, asked by the protocol's own client over standard input and output.

const inventory = `version: 1
connections:
  lab: { type: simulated, lab: ./lab.yaml }
groups:
  web: { vms: [web1, web2] }
`;
const lab = `version: 1
hosts:
  hv1: { cpus: 4, memoryMiB: 8192 }
  hv2: { cpus: 4, memoryMiB: 8192 }
datastores:
  shared: { capacityGiB: 100, hosts: [hv1, hv2] }
vms:
  web1: { host: hv1, state: running, memoryMiB: 512, disks: [{ datastore: shared, capacityGiB: 4, allocatedGiB: 1 }] }
  web2: { host: hv1, state: running, memoryMiB: 512, disks: [{ datastore: shared, capacityGiB: 4, allocatedGiB: 1 }] }
`;
const moves = `version: 1
name: moves
inventory: ./lab.inventory.yaml
inputs:
  vms: { type: vms, default: group:web }
steps:
  - id: move
    uses: vm.migrate
    with: { vm: web1, to: hv2 }
  - id: start
    forEach: { vm: "\${{ inputs.vms }}" }
    steps:
      - uses: vm.start
        with: { vm: "\${{ vm }}" }
`;
const calls = `version: 1
name: calls
steps:
  - uses: ./moves.runbook.yaml
    with: { vms: [web1] }
`;

let built: string;
let cli: string;
beforeAll(async () => {
  built = mkdtempSync(join(tmpdir(), 'virtbook-lsp-built-'));
  cli = await buildServer(built);
}, 60_000);
afterAll(() => rmSync(built, { recursive: true, force: true }));

let folder: Folder;
let client: Client;
let result: InitializeResult;
async function start(capabilities: ClientCapabilities): Promise<void> {
  ({ client, result } = await Client.start(cli, folder, capabilities));
}
function makeFolder(): void {
  folder = folderOf({
    'lab.inventory.yaml': inventory,
    'lab.yaml': lab,
    'moves.runbook.yaml': moves,
    'calls.runbook.yaml': calls,
  });
}
async function end(): Promise<void> {
  expect(await client.stop()).toBe(0);
  folder.remove();
}
/** One server for all tests of a group. */
function withServer(capabilities: ClientCapabilities): void {
  beforeAll(async () => {
    makeFolder();
    await start(capabilities);
  });
  afterAll(end);
}

/** Opens a sample in which `|` marks the cursor, and says where that is. */
async function at(sample: string, name = 'sample.runbook.yaml') {
  const offset = sample.indexOf('|');
  const text = sample.slice(0, offset) + sample.slice(offset + 1);
  const uri = await client.open(name, text);
  const position = TextDocument.create(uri, 'yaml', 1, text).positionAt(offset);
  return { textDocument: { uri }, position, text };
}

const messages = (diagnostics: readonly Diagnostic[]) => diagnostics.map(one => `${one.range.start.line}: ${one.code}`);
const labels = (found: CompletionItem[]) => found.map(item => item.label);
const pulls: ClientCapabilities = { textDocument: { diagnostic: {} } };

describe('a server that has been started', () => {
  withServer(pulls);

  it('says who it is, counts in UTF-16, takes changes piece by piece, and offers to run nothing', () => {
    expect(result.serverInfo?.name).toBe('virtbook');
    expect(result.capabilities.positionEncoding).toBe('utf-16');
    expect(result.capabilities.textDocumentSync).toEqual({ openClose: true, change: 2 });
    expect(result.capabilities.executeCommandProvider).toBeUndefined();
    expect(result.capabilities.codeLensProvider).toBeUndefined();
  });

  it('leaves a document alone that is neither runbook nor inventory', async () => {
    const asked = await at('ver|sion: 2\n', 'compose.yaml');
    expect(await client.connection.sendRequest(CompletionRequest.type, asked)).toBeFalsy();
    expect(await client.connection.sendRequest(HoverRequest.type, asked)).toBeFalsy();
    const report = await client.connection.sendRequest(DocumentDiagnosticRequest.type, asked);
    expect(report).toMatchObject({ kind: 'full', items: [] });
  });
});

describe('diagnostics', () => {
  beforeEach(makeFolder);
  afterEach(end);
  const wrong = moves.replace('vm: web1', 'vm: web7');

  it('are given to a client that asks for them', async () => {
    await start(pulls);
    const uri = await client.open('moves.runbook.yaml', wrong);
    const report = await client.connection.sendRequest(DocumentDiagnosticRequest.type, { textDocument: { uri } });
    expect(report.kind === 'full' && messages(report.items)).toEqual(['8: unknown-vm']);
  });

  it('are pushed to one that does not, and again after an edit', async () => {
    await start({});
    const uri = await client.open('moves.runbook.yaml', wrong);
    expect(messages(await client.pushed(uri, found => found.length > 0))).toEqual(['8: unknown-vm']);
    const digit = wrong.split('\n')[8]!.indexOf('web7') + 3;
    await client.edit(uri, 2, { line: 8, character: digit }, { line: 8, character: digit + 1 }, '1');
    expect(await client.pushed(uri, found => found.length === 0)).toEqual([]);
  });

  it('follow the inventory that is open beside, before it is saved', async () => {
    await start({});
    const uri = await client.open('moves.runbook.yaml', moves.replace('group:web', 'group:db'));
    await client.pushed(uri, found => messages(found).includes('4: unknown-group'));
    const opened = await client.open('lab.inventory.yaml', inventory);
    await client.edit(opened, 2, { line: 4, character: 2 }, { line: 4, character: 5 }, 'db');
    expect(await client.pushed(uri, found => found.length === 0)).toEqual([]);
  });

  it('name an inventory that is not there, until it is', async () => {
    await start(pulls);
    const uri = await client.open('moves.runbook.yaml', moves.replace('./lab.inv', './new.inv'));
    const ask = () => client.connection.sendRequest(DocumentDiagnosticRequest.type, { textDocument: { uri } });
    expect(await ask()).toMatchObject({ items: [{ code: 'inventory-not-found', range: { start: { line: 2 } } }] });
    folder.write('new.inventory.yaml', inventory);
    expect(await ask()).toMatchObject({ items: [] });
  });

  it('follow what changes on disk, where the client watches files', async () => {
    await start({ workspace: { didChangeWatchedFiles: { dynamicRegistration: true } } });
    await client.watching();
    expect(client.registered).toEqual(['workspace/didChangeWatchedFiles']);
    const uri = await client.open('moves.runbook.yaml', wrong);
    await client.pushed(uri, found => found.length > 0);
    folder.write('lab.yaml', lab.replaceAll('web1', 'web7'));
    await client.changedOnDisk('lab.yaml');
    expect(await client.pushed(uri, found => found.length === 0)).toEqual([]);
  });

  it('follow what changes on disk also where the client watches nothing', async () => {
    await start(pulls);
    const uri = await client.open('moves.runbook.yaml', wrong);
    const ask = () => client.connection.sendRequest(DocumentDiagnosticRequest.type, { textDocument: { uri } });
    expect(await ask()).toMatchObject({ items: [{ code: 'unknown-vm' }] });
    folder.write('lab.yaml', lab.replaceAll('web1', 'web7'));
    expect(await ask()).toMatchObject({ items: [] });
  });
});

describe('writing', () => {
  withServer(pulls);

  it('completes actions', async () => {
    const asked = await at(moves.replace('vm.migrate', 'vm.|'));
    const found = await client.connection.sendRequest(CompletionRequest.type, asked);
    expect(labels(found as CompletionItem[])).toEqual(expect.arrayContaining(['vm.migrate', 'vm.snapshot']));
  });

  it('completes VMs of the simulated lab that the inventory on disk names', async () => {
    const asked = await at(moves.replace('vm: web1', 'vm: |'));
    const found = await client.connection.sendRequest(CompletionRequest.type, asked);
    expect(labels(found as CompletionItem[])).toEqual(expect.arrayContaining(['web1', 'web2']));
  });

  it('completes the VMs of its lab in an inventory, also while that is half-typed', async () => {
    const asked = await at(
      `${inventory}vms:\n  |\n  x: [\n`.replace(/^vms:.*\n(?: .*\n)*(?=vms:)/m, ''),
      'other.inventory.yaml',
    );
    const found = await client.connection.sendRequest(CompletionRequest.type, asked);
    expect(labels(found as CompletionItem[])).toEqual(expect.arrayContaining(['web1', 'web2']));
  });

  it('completes the runbooks that can be called, as they are on disk', async () => {
    const asked = await at(calls.replace('./moves.runbook.yaml', './|'));
    const found = await client.connection.sendRequest(CompletionRequest.type, asked);
    expect(labels(found as CompletionItem[]).join(' ')).toContain('moves.runbook.yaml');
  });

  it('offers a fix for a mistake, also to a client that forgets what came with the diagnostic', async () => {
    const uri = await client.open('sample.runbook.yaml', moves.replace('vm: web1', 'vm: web7'));
    const textDocument = { uri };
    const report = await client.connection.sendRequest(DocumentDiagnosticRequest.type, { textDocument });
    const [{ range, message, code } = { range: undefined }] = report.kind === 'full' ? report.items : [];
    const found = await client.connection.sendRequest(CodeActionRequest.type, {
      textDocument,
      range: range!,
      context: { diagnostics: [{ range: range!, message: message!, code: code! }], only: ['quickfix'] },
    });
    expect(found?.map(action => action.title).join('; ')).toContain('web1');
  });

  it('formats a document, and a part of it', async () => {
    const uri = await client.open('sample.runbook.yaml', moves.replace('name: moves', 'name:   moves'));
    const options = { tabSize: 2, insertSpaces: true };
    const whole = await client.connection.sendRequest(DocumentFormattingRequest.type, {
      textDocument: { uri },
      options,
    });
    expect(whole?.length).toBeGreaterThan(0);
    const range = { start: { line: 6, character: 0 }, end: { line: 7, character: 0 } };
    const part = { textDocument: { uri }, options, range };
    expect(await client.connection.sendRequest(DocumentRangeFormattingRequest.type, part)).toEqual([]);
  });
});

describe('reading', () => {
  withServer(pulls);

  it('explains an action under the cursor', async () => {
    const found = await client.connection.sendRequest(HoverRequest.type, await at(moves.replace('vm.mig', 'vm.mi|g')));
    expect(JSON.stringify(found?.contents)).toContain('migrat');
  });

  it('leads from a call to the runbook that is called', async () => {
    const asked = await at(calls.replace('./moves', './mo|ves'));
    const found = (await client.connection.sendRequest(DefinitionRequest.type, asked)) as Location[];
    expect(found.map(place => place.uri)).toEqual([folder.uri('moves.runbook.yaml')]);
  });

  it('finds a group wherever it is named in the workspace', async () => {
    const asked = { ...(await at(inventory.replace('  web:', '  we|b:'), 'lab.inventory.yaml')) };
    const found = await client.connection.sendRequest(ReferencesRequest.type, {
      ...asked,
      context: { includeDeclaration: true },
    });
    expect(found?.map(place => place.uri).sort()).toEqual(
      ['lab.inventory.yaml', 'moves.runbook.yaml'].map(name => folder.uri(name)),
    );
  });

  it('renames it there too, and says why it can not', async () => {
    const asked = await at(inventory.replace('  web:', '  we|b:'), 'lab.inventory.yaml');
    expect(await client.connection.sendRequest(PrepareRenameRequest.type, asked)).toMatchObject({ placeholder: 'web' });
    const edit = await client.connection.sendRequest(RenameRequest.type, { ...asked, newName: 'front' });
    expect(Object.keys(edit?.changes ?? {}).sort()).toEqual(
      ['lab.inventory.yaml', 'moves.runbook.yaml'].map(name => folder.uri(name)),
    );
    const step = await at(moves.replace('id: move', 'id: mo|ve'));
    await expect(client.connection.sendRequest(RenameRequest.type, { ...step, newName: 'a b' })).rejects.toThrow(/a b/);
  });

  it('knows outline, highlights, folding, selection, tokens and links', async () => {
    const asked = await at(moves.replace('id: move', 'id: mo|ve'));
    const { textDocument, position } = asked;
    const ask = client.connection;
    const outline = (await ask.sendRequest(DocumentSymbolRequest.type, { textDocument })) as DocumentSymbol[];
    expect(outline.map(symbol => symbol.name)).toEqual(['inputs', 'steps']);
    expect(await ask.sendRequest(DocumentHighlightRequest.type, asked)).toHaveLength(1);
    expect(await ask.sendRequest(FoldingRangeRequest.type, { textDocument })).toContainEqual(
      expect.objectContaining({ startLine: 5 }),
    );
    const [selection] =
      (await ask.sendRequest(SelectionRangeRequest.type, { textDocument, positions: [position] })) ?? [];
    expect(selection?.parent).toBeDefined();
    const tokens = await ask.sendRequest(SemanticTokensRequest.type, { textDocument });
    expect(tokens?.data.length).toBeGreaterThan(0);
    expect((tokens?.data.length ?? 1) % 5).toBe(0);
    const links = await ask.sendRequest(DocumentLinkRequest.type, { textDocument });
    expect(links?.map(link => link.target)).toContain(folder.uri('lab.inventory.yaml'));
  });

  it('tells how many VMs a group is', async () => {
    const uri = await client.open('sample.runbook.yaml', moves);
    const range = { start: { line: 0, character: 0 }, end: { line: 9, character: 0 } };
    const hints = await client.connection.sendRequest(InlayHintRequest.type, { textDocument: { uri }, range });
    expect(JSON.stringify(hints)).toContain('2 VMs');
  });

  it('finds symbols in files that are not open', async () => {
    const found = await client.connection.sendRequest(WorkspaceSymbolRequest.type, { query: 'move' });
    expect(found?.map(symbol => symbol.location.uri)).toContain(folder.uri('moves.runbook.yaml'));
  });

  it('answers nothing any more that was cancelled while it waited', async () => {
    const uri = await client.open('sample.runbook.yaml', moves);
    const source = new CancellationTokenSource();
    const asked = client.connection.sendRequest(
      CompletionRequest.type,
      { textDocument: { uri }, position: { line: 0, character: 0 } },
      source.token,
    );
    source.cancel();
    await expect(asked).rejects.toMatchObject({ code: -32800 });
  });
});
