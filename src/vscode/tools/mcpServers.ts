import path from 'node:path';
import * as vscode from 'vscode';
import { mcpProvider } from '../ids';

/** The part of VS Code 1.101 that is used here; 1.100 has it under the same name for its own use, and refuses it to others. */
interface McpApi {
  registerMcpServerDefinitionProvider?(
    id: string,
    provider: { provideMcpServerDefinitions(): unknown[] },
  ): vscode.Disposable;
}
type StdioDefinition = new (
  label: string,
  command: string,
  args: string[],
  env: Record<string, string>,
  version: string,
) => object;

/** Offers `virtbook mcp` to VS Code's own agents, where it knows of such servers. */
export function registerMcpServer(context: vscode.ExtensionContext): vscode.Disposable | undefined {
  const api: McpApi = vscode.lm as McpApi;
  const { McpStdioServerDefinition: Definition } = vscode as { McpStdioServerDefinition?: StdioDefinition };
  if (!api.registerMcpServerDefinitionProvider || !Definition || isBefore(101)) return undefined;
  const { version } = context.extension.packageJSON as { version: string };
  return api.registerMcpServerDefinitionProvider(mcpProvider, {
    provideMcpServerDefinitions: () => [
      // VS Code's own program runs it as Node.
      new Definition(
        'Virtbook',
        process.execPath,
        [path.join(context.extensionPath, 'dist', 'cli.js'), 'mcp'],
        { ELECTRON_RUN_AS_NODE: '1' },
        version,
      ),
    ],
  });
}

function isBefore(minor: number): boolean {
  const [first = 0, second = 0] = vscode.version.split('.').map(Number);
  return first === 1 && second < minor;
}
