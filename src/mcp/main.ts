// Entry of dist/mcp.js.
export { explanation } from './explain';
export { serveStdio } from './server';
