import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleOptions } from '../../scripts/bundle-options.mjs';

// The built `virtbook mcp`, asked by the SDK's own client over standard input and output.

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'virtbook-mcp-')));
const client = new Client({ name: 'test', version: '1' });
let pid: number | null;

const runbook = (steps: string) =>
  `version: 1\nname: Start one\ninventory: ./lab.inventory.yaml\ninputs:\n  vm: { type: vm }\nsteps:\n${steps}`;
const starts = '  - id: start\n    uses: vm.start\n    with: { vm: "${{ inputs.vm }}" }\n';

beforeAll(async () => {
  const dist = join(folder, 'dist');
  await build({
    ...bundleOptions,
    absWorkingDir: join(import.meta.dirname, '..', '..'),
    entryPoints: { cli: 'src/cli/main.ts', mcp: 'src/mcp/main.ts', rehearsal: 'src/runner/rehearsal-worker.ts' },
    outdir: dist,
    logLevel: 'error',
  });
  const files = {
    'lab.inventory.yaml': 'version: 1\nconnections:\n  lab: { type: simulated, lab: ./lab.yaml }\n',
    'lab.yaml':
      'version: 1\nhosts:\n  hv1: { cpus: 4, memoryMiB: 8192 }\ndatastores:\n  shared: { capacityGiB: 100, hosts: [hv1] }\n' +
      'vms:\n  web1:\n    host: hv1\n    state: shutoff\n    memoryMiB: 512\n    disks: [{ datastore: shared, capacityGiB: 4, allocatedGiB: 1 }]\n',
    'starts.runbook.yaml': runbook(starts),
    'wrong.runbook.yaml': runbook(starts.replace('vm.start', 'vm.strat')),
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [join(dist, 'cli.js'), 'mcp'],
    cwd: folder,
    stderr: 'inherit',
  });
  await client.connect(transport);
  pid = transport.pid;
}, 60_000);
afterAll(async () => {
  await client.close();
  rmSync(folder, { recursive: true, force: true });
  expect(() => process.kill(pid!, 0)).toThrow('ESRCH');
});

async function call(name: string, input: Record<string, unknown>) {
  const result = CallToolResultSchema.parse(await client.callTool({ name, arguments: input }));
  const [content] = result.content;
  return { text: content?.type === 'text' ? content.text : '', failed: result.isError === true };
}
const one = { file: 'starts.runbook.yaml', inputs: { vm: 'web1' } };

describe('what is offered', () => {
  it('is to check, explain, plan and rehearse, and nothing that changes anything', async () => {
    const { tools } = await client.listTools();
    expect(tools.map(tool => tool.name)).toEqual([
      'virtbook_check',
      'virtbook_explain',
      'virtbook_plan',
      'virtbook_rehearse',
    ]);
    for (const { annotations, inputSchema } of tools) {
      expect(annotations).toMatchObject({ readOnlyHint: true, destructiveHint: false });
      expect(inputSchema).toMatchObject({ type: 'object', additionalProperties: false });
    }
    expect(client.getInstructions()).toContain('takes a person');
  });

  it('is not to run', async () => {
    await expect(call('virtbook_run', one)).rejects.toThrow('There is no tool virtbook_run');
  });

  it('is checked against its schema', async () => {
    await expect(call('virtbook_plan', { inputs: {} })).rejects.toThrow('do not fit');
    await expect(call('virtbook_plan', { file: 'a.runbook.yaml', extra: 1 })).rejects.toThrow(
      'do not fit: extra: there is no such argument.',
    );
  });
});

describe('check', () => {
  it('gives a line for each problem, with its place', async () => {
    const { text, failed } = await call('virtbook_check', { files: ['wrong.runbook.yaml', 'lab.inventory.yaml'] });
    expect(failed).toBe(false);
    expect(text).toMatch(/^wrong\.runbook\.yaml:8:11: error unknown-action /);
  });

  it('says that there is none', async () => {
    expect((await call('virtbook_check', { files: ['starts.runbook.yaml'] })).text).toBe('No problems.');
  });

  it('fails where there is no file, and says so', async () => {
    expect(await call('virtbook_check', { files: ['no.runbook.yaml'] })).toEqual({
      text: 'There is no file no.runbook.yaml.',
      failed: true,
    });
  });
});

describe('explain', () => {
  it('says in words what a runbook does and how it is undone, without values for its inputs', async () => {
    const { text } = await call('virtbook_explain', { file: 'starts.runbook.yaml' });
    expect(text).toContain('- vm (vm; required)');
    expect(text).toContain('`vm.start` with vm = `${{ inputs.vm }}`. Starts a VM');
    expect(text).toContain('Its undo takes back exactly what it did.');
    expect(text).toContain('The input vm (vm) has no value');
  });

  it('says what would be changed and locked, with them', async () => {
    const { text } = await call('virtbook_explain', one);
    expect(text).toContain('Changes VM web1 (simulated).');
    expect(text).toContain('Locked for the whole run, so that no other run changes them meanwhile: vm web1.');
  });

  it('explains one step', async () => {
    const { text } = await call('virtbook_explain', { file: 'starts.runbook.yaml', step: 'start' });
    expect(text).toMatch(/^# Step start of Start one\n\n1\. \*\*start\*\*: `vm.start`/);
    expect((await call('virtbook_explain', { file: 'starts.runbook.yaml', step: 'no' })).failed).toBe(true);
  });
});

describe('plan', () => {
  it('shows what a run would do, with its hash', async () => {
    const { text } = await call('virtbook_plan', one);
    expect(text).toContain('Changes VM web1 (simulated)');
    expect(text).toMatch(/Plan hash: [0-9a-f]{64}/);
  });

  it('says which input is missing', async () => {
    const { text, failed } = await call('virtbook_plan', { file: 'starts.runbook.yaml' });
    expect(failed).toBe(true);
    expect(text).toContain('The input vm (vm) has no value');
  });

  it('says what is wrong with a runbook that has errors', async () => {
    const { text, failed } = await call('virtbook_plan', { ...one, file: 'wrong.runbook.yaml' });
    expect(failed).toBe(true);
    expect(text).toContain('unknown-action');
  });
});

describe('rehearse', () => {
  it('says whether everything comes back, and changes nothing', async () => {
    const { text, failed } = await call('virtbook_rehearse', one);
    expect(failed).toBe(false);
    expect(text).toContain('# Rehearsal');
    const again = await call('virtbook_rehearse', one);
    expect(again.text).toBe(text);
  });

  it('is stopped when nobody waits for it any more', async () => {
    const stop = new AbortController();
    const asked = client.callTool({ name: 'virtbook_rehearse', arguments: { ...one, pairs: true } }, undefined, {
      signal: stop.signal,
    });
    stop.abort();
    await expect(asked).rejects.toThrow();
    expect((await call('virtbook_check', { files: ['starts.runbook.yaml'] })).text).toBe('No problems.');
  });
});
