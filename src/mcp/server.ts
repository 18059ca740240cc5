import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import {
  CallToolRequestSchema,
  type CallToolResult,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
  type Tool,
} from '@modelcontextprotocol/sdk/types.js';
import { version } from '../../package.json';
import { callTool, ToolInputWrong } from './call-tool';
import { type Answer, type ToolBackend, type ToolName, tools, type Working } from './tools';

const instructions =
  'Virtbook runs runbooks for virtual machines (*.runbook.yaml) on the hosts of an inventory (*.inventory.yaml). These tools check, explain, ' +
  'plan and rehearse them; none of them changes anything. A run takes a person: tell them to use `virtbook run FILE` or the Run command in VS Code.';

/** A server of the tools; `backend` does the work. Connects to nothing by itself. */
export function mcpServer(backend: ToolBackend): Server {
  const server = new Server({ name: 'virtbook', version }, { capabilities: { tools: {} }, instructions });
  const listed: Tool[] = Object.values(tools).map(({ name, title, description, inputSchema }) => ({
    name,
    title,
    description,
    inputSchema: inputSchema as unknown as Tool['inputSchema'],
    annotations: {
      title,
      readOnlyHint: true,
      destructiveHint: false,
      idempotentHint: true,
      // A rehearsal looks at real hypervisors; nothing else leaves the files.
      openWorldHint: name === tools.rehearse.name,
    },
  }));
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: listed }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal, sendNotification, _meta }) => {
    const token = _meta?.progressToken;
    const progress = (done: number, total: number): void => {
      if (token === undefined) return;
      const message = `${done} of ${total} failure points`;
      void sendNotification({
        method: 'notifications/progress',
        params: { progressToken: token, progress: done, total, message },
      });
    };
    return asResult(await called(backend, params.name, params.arguments ?? {}, { signal, progress }));
  });
  return server;
}

/** Serves one client on standard input and output until it goes away. */
export async function serveStdio(backend: ToolBackend): Promise<void> {
  const server = mcpServer(backend);
  const gone = new Promise<void>(resolve => {
    server.onclose = resolve;
    // The transport does not tell that the client closed its end.
    process.stdin.once('end', () => void server.close());
  });
  await server.connect(new StdioServerTransport());
  await gone;
}

async function called(backend: ToolBackend, name: string, input: unknown, working: Working): Promise<Answer> {
  const found = (Object.keys(tools) as ToolName[]).find(one => tools[one].name === name);
  if (!found) {
    const known = Object.values(tools).map(tool => tool.name);
    throw new McpError(ErrorCode.InvalidParams, `There is no tool ${name}. There are ${known.join(', ')}.`);
  }
  try {
    return await callTool(backend, found, input, working);
  } catch (error) {
    if (error instanceof ToolInputWrong) throw new McpError(ErrorCode.InvalidParams, error.message);
    if (working.signal.aborted) throw error;
    return { text: error instanceof Error ? error.message : String(error), failed: true };
  }
}

function asResult({ text, failed }: Answer): CallToolResult {
  return { content: [{ type: 'text', text }], ...(failed && { isError: true }) };
}
