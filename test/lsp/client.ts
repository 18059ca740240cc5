import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import {
  type ClientCapabilities,
  createProtocolConnection,
  type Diagnostic,
  DidChangeTextDocumentNotification,
  DidChangeWatchedFilesNotification,
  DidCloseTextDocumentNotification,
  DidOpenTextDocumentNotification,
  ExitNotification,
  InitializedNotification,
  InitializeRequest,
  type InitializeResult,
  type Position,
  type ProtocolConnection,
  PublishDiagnosticsNotification,
  type PublishDiagnosticsParams,
  RegistrationRequest,
  ShutdownRequest,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-languageserver/node';
import { bundleOptions } from '../../scripts/bundle-options.mjs';

const root = join(import.meta.dirname, '..', '..');

/** Builds the command line and the bundle of the language server into a folder; gives cli.js. */
export async function buildServer(folder: string): Promise<string> {
  await build({
    ...bundleOptions,
    absWorkingDir: root,
    entryPoints: { cli: 'src/cli/main.ts', lsp: 'src/lsp/main.ts' },
    outdir: join(folder, 'dist'),
    logLevel: 'error',
  });
  return join(folder, 'dist', 'cli.js');
}

/** A folder with these files, which goes away with `remove`. */
export function folderOf(files: Record<string, string>) {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'virtbook-lsp-')));
  const write = (name: string, text: string) => writeFileSync(join(path, name), text);
  for (const [name, text] of Object.entries(files)) write(name, text);
  return {
    path,
    write,
    uri: (name: string) => pathToFileURL(join(path, name)).href,
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}
export type Folder = ReturnType<typeof folderOf>;

/** An editor that talks to `virtbook lsp` over standard input and output. */
export class Client {
  readonly registered: string[] = [];
  readonly #open = new Set<string>();
  readonly #pushed = new Map<string, PublishDiagnosticsParams>();
  readonly #waiting: { uri: string; ready(params: PublishDiagnosticsParams): boolean }[] = [];
  readonly #registration: Promise<void>;

  private constructor(
    readonly process: ChildProcess,
    readonly connection: ProtocolConnection,
    readonly folder: Folder,
  ) {
    let registered = (): void => undefined;
    this.#registration = new Promise(resolve => {
      registered = resolve;
    });
    connection.onRequest(RegistrationRequest.type, ({ registrations }) => {
      this.registered.push(...registrations.map(({ method }) => method));
      registered();
    });
    connection.onNotification(PublishDiagnosticsNotification.type, params => {
      this.#pushed.set(params.uri, params);
      for (const waiting of [...this.#waiting]) {
        if (waiting.uri === params.uri && waiting.ready(params))
          this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      }
    });
    connection.listen();
  }

  static async start(
    cli: string,
    folder: Folder,
    capabilities: ClientCapabilities = {},
  ): Promise<{ client: Client; result: InitializeResult }> {
    const child = spawn(process.execPath, [cli, 'lsp'], { cwd: folder.path, stdio: ['pipe', 'pipe', 'inherit'] });
    const connection = createProtocolConnection(
      new StreamMessageReader(child.stdout),
      new StreamMessageWriter(child.stdin),
    );
    const client = new Client(child, connection, folder);
    const result = await connection.sendRequest(InitializeRequest.type, {
      processId: process.pid,
      rootUri: null,
      workspaceFolders: [{ uri: pathToFileURL(folder.path).href, name: 'test' }],
      capabilities,
    });
    await connection.sendNotification(InitializedNotification.type, {});
    return { client, result };
  }

  /** When the server has said which files it wants to hear of. */
  watching(): Promise<void> {
    return this.#registration;
  }

  /** A document that is open already is closed first. */
  async open(name: string, text: string, languageId = 'yaml'): Promise<string> {
    const uri = this.folder.uri(name);
    if (this.#open.has(uri)) {
      await this.connection.sendNotification(DidCloseTextDocumentNotification.type, { textDocument: { uri } });
    }
    this.#open.add(uri);
    await this.connection.sendNotification(DidOpenTextDocumentNotification.type, {
      textDocument: { uri, languageId, version: 1, text },
    });
    return uri;
  }

  /** Replaces from one place to another, as typing does. */
  async edit(uri: string, version: number, start: Position, end: Position, text: string): Promise<void> {
    await this.connection.sendNotification(DidChangeTextDocumentNotification.type, {
      textDocument: { uri, version },
      contentChanges: [{ range: { start, end }, text }],
    });
  }

  /** As an editor that watches files tells it. */
  async changedOnDisk(name: string): Promise<void> {
    await this.connection.sendNotification(DidChangeWatchedFilesNotification.type, {
      changes: [{ uri: this.folder.uri(name), type: 2 }],
    });
  }

  /** What was pushed for a document, once it is what is asked for. */
  pushed(uri: string, ready: (diagnostics: Diagnostic[]) => boolean): Promise<Diagnostic[]> {
    const last = this.#pushed.get(uri);
    if (last && ready(last.diagnostics)) return Promise.resolve(last.diagnostics);
    return new Promise(resolve => {
      this.#waiting.push({
        uri,
        ready: ({ diagnostics }) => {
          if (!ready(diagnostics)) return false;
          resolve(diagnostics);
          return true;
        },
      });
    });
  }

  /** Ends the server as the protocol says; gives its exit code. */
  async stop(): Promise<number | null> {
    const ended = new Promise<number | null>(resolve => this.process.once('exit', resolve));
    await this.connection.sendRequest(ShutdownRequest.type);
    await this.connection.sendNotification(ExitNotification.type);
    const code = await ended;
    this.connection.dispose();
    return code;
  }
}
