import { lsp as bundle } from '../bundles';

/** Speaks the Language Server Protocol on standard input and output; the process ends when the client goes away. */
export async function lsp(): Promise<void> {
  bundle().serveStdio();
}
