// Entry of dist/lsp.js.
import { createConnection } from 'vscode-languageserver/node';
import { serve } from './server';

/** Serves one client on standard input and output until it goes away. */
export function serveStdio(): void {
  serve(createConnection(process.stdin, process.stdout));
}
