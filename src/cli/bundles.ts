import { join } from 'node:path';

// Parts that are bundles of their own beside this one (scripts/build.mjs), so that no other command waits for them to load.
export const lsp = () => require(join(__dirname, 'lsp.js')) as typeof import('../lsp/main');
export const mcp = () => require(join(__dirname, 'mcp.js')) as typeof import('../mcp/main');
/** The worker thread that rehearses. */
export const rehearsalScript = () => join(__dirname, 'rehearsal.js');
