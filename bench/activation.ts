import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onEnd } from './cleanup';
import { buildProduct } from './ours';
import { run } from './processes';
import { limited, type Row } from './row';

/** Bytes that activation may load, minified. */
const ceiling = 250_000;

interface Probe {
  /** Files, in order; the first `atActivation` of them before `activate` returned, the others within a second and a half. */
  loaded: string[];
  atActivation: number;
  reached: string[];
  registered: string[];
  loadMs: number;
  activateMs: number;
  unhandled?: string[];
}

/** What VS Code loads to activate the extension, and what activation reaches for. */
export async function activation(): Promise<Row[]> {
  const { folder: out, metafile } = await buildProduct();
  const bundle = path.resolve(out, 'extension.js');
  const size = statSync(bundle).size;

  const largest = largestInputs(metafile, `${out}/extension.js`);
  const rows: Row[] = [
    limited(
      'activation',
      'kB',
      size / 1000,
      ceiling / 1000,
      `dist/extension.js, minified; most of it: ${largest.join(', ')}`,
    ),
  ];

  const empty = await probe(bundle, 'empty');
  rows.push(
    limited(
      'activation-loads',
      'files',
      empty.atActivation,
      1,
      `before activate() returns: ${empty.loaded.slice(0, empty.atActivation).join(', ')}; soon after: ${empty.loaded.slice(empty.atActivation).join(', ') || 'nothing'}; read in ${empty.loadMs.toFixed(0)} ms, activated in ${empty.activateMs.toFixed(0)} ms`,
    ),
  );
  const soon = empty.loaded.reduce((sum, file) => sum + statSync(path.resolve(out, file)).size, 0);
  rows.push(
    limited(
      'activation-soon',
      'kB',
      soon / 1000,
      ceiling / 1000,
      'all that is loaded in an empty workspace within a second and a half',
    ),
  );
  const open = await probe(bundle, 'runbook');
  for (const [scene, seen] of [
    ['empty workspace', empty],
    ['runbook open', open],
  ] as const)
    if (seen.unhandled) throw new Error(`activation failed (${scene}): ${seen.unhandled.join('\n')}`);
  const reached = [...new Set([...empty.reached, ...open.reached])];
  rows.push(
    limited(
      'activation-reaches',
      'calls',
      empty.reached.length + open.reached.length,
      0,
      reached.length
        ? `connections and processes at activation: ${reached.join(', ')}`
        : `no connection, listener, name look-up, process or thread, in an empty workspace and with a runbook open`,
    ),
  );
  const ssh = Object.keys(inputs(metafile, `${out}/extension.js`)).filter(isSsh);
  const lazy = open.loaded.filter(file => file !== 'extension.js');
  const sshLoaded = lazy.filter(file => Object.keys(inputs(metafile, `${out}/${file}`)).some(isSsh));
  rows.push(
    limited(
      'activation-ssh',
      'files',
      ssh.length + sshLoaded.length,
      0,
      `files of SSH in what activation loads; a runbook that is open loads ${lazy.join(', ') || 'nothing more'}`,
    ),
  );
  return rows;
}

export async function probe(bundle: string, scene: 'empty' | 'runbook'): Promise<Probe> {
  // No runs of this machine's user: what is under way would be followed.
  const state = mkdtempSync(path.join(tmpdir(), 'virtbook-bench-'));
  const remove = onEnd(() => rmSync(state, { recursive: true, force: true }));
  const env = { VIRTBOOK_STATE: state };
  const done = await run(process.execPath, ['bench/activation-probe.cjs', bundle, scene], { env });
  await remove();
  if (done.code !== 0) throw new Error(`activation failed (${scene}):\n${done.output}`);
  const line = done.stdout.trim().split('\n').at(-1) ?? '';
  return JSON.parse(line) as Probe;
}

function isSsh(file: string): boolean {
  return /(^|\/)(node_modules\/ssh2|src\/ssh)\//.test(file);
}

/** Bytes of each source that is in an output, as esbuild says. */
function inputs(metafile: string, output: string): Record<string, { bytesInOutput: number }> {
  const { outputs } = JSON.parse(readFileSync(metafile, 'utf8')) as {
    outputs: Record<string, { inputs: Record<string, { bytesInOutput: number }> }>;
  };
  return outputs[output]?.inputs ?? {};
}

function largestInputs(metafile: string, output: string): string[] {
  const sizes = new Map<string, number>();
  for (const [file, { bytesInOutput }] of Object.entries(inputs(metafile, output))) {
    const part = /node_modules\/((@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? file.split('/').slice(0, 2).join('/');
    sizes.set(part, (sizes.get(part) ?? 0) + bytesInOutput);
  }
  return [...sizes]
    .sort((a, b) => b[1] - a[1])
    .slice(0, 4)
    .map(([part, bytes]) => `${part} ${(bytes / 1000).toFixed(0)} kB`);
}
