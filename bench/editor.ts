import path from 'node:path';
import * as esbuild from 'esbuild';
import { probe } from './activation';
import { type EditorService, rivalName, rivalService } from './editor-service';
import { buildFolder, buildProduct, bundle, loadOurs } from './ours';
import { run } from './processes';
import { npmRival } from './rivals';
import { inTurn } from './rounds';
import { compared, type Row, spread } from './row';
import { runbookText } from './runbook-text';
import { typing } from './typing';

/** What an editor waits for, beside yaml-language-server with the same document and schema. */
export async function editor(): Promise<Row[]> {
  const folder = await npmRival('yaml-language-server');
  const ours = (await loadOurs<typeof import('./ours/editor')>('editor')).service();
  const sides = { ours, rival: rivalService(folder) };
  await sameVerdict(sides);
  return [
    ...(await first(sides)),
    await keystroke(sides),
    ...(await warm(sides)),
    ...(await memory(folder)),
    await loading(folder),
  ];
}

type Sides = { ours: EditorService; rival: EditorService };

/** Version numbers are never used twice, so neither side takes a text for another. */
let version = 0;

/** Both must find the file in order and a mistake in it, or they would not have done the same work. */
async function sameVerdict({ ours, rival }: Sides): Promise<void> {
  const text = runbookText(1000);
  for (const [name, service] of Object.entries({ ours, rival })) {
    const right = await service.validate({ version: ++version, text });
    if (right.length > 0) throw new Error(`${name} complains of the bench's runbook: ${right.slice(0, 3).join('; ')}`);
    const broken = text.replace('quiesce: prefer', 'quiesce: perhaps');
    const wrong = await service.validate({ version: ++version, text: broken });
    if (wrong.length === 0) throw new Error(`${name} does not see a value that the schema rules out`);
  }
}

async function first({ ours, rival }: Sides): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, lines, rounds, warmUp, goal] of [
    ['editor-first', 1000, 41, 30, 2.5],
    ['editor-first-10k', 10_000, 11, 3, 1.5],
  ] as const) {
    const body = runbookText(lines);
    const open = async (service: EditorService) => {
      service.close();
      await service.validate({ version: ++version, text: `# ${version}\n${body}` });
    };
    const measured = await inTurn(rounds, { ours: () => open(ours), rival: () => open(rival) }, { warmUp });
    rows.push(compared(name, 'ms', measured, rivalName, goal, 'diagnostics of a document that is opened'));
  }
  return rows;
}

async function keystroke({ ours, rival }: Sides): Promise<Row> {
  const { before, keys } = typing(10_000);
  for (const service of [ours, rival]) {
    service.close();
    await service.validate({ version: ++version, text: before });
  }
  const found: Record<string, number[]> = { ours: [], rival: [] };
  const type = (name: keyof Sides, service: EditorService) => async (round: number) => {
    const { text } = keys[((round % keys.length) + keys.length) % keys.length]!;
    const begun = performance.now();
    const diagnostics = await service.validate({ version: ++version, text });
    const took = performance.now() - begun;
    if (round >= 0) found[name]!.push(diagnostics.length);
    return took;
  };
  const contenders = { ours: type('ours', ours), rival: type('rival', rival) };
  const measured = await inTurn(keys.length, contenders, { warmUp: 8 });
  for (const [name, counts] of Object.entries(found)) {
    if (counts.at(-1) !== 0) throw new Error(`${name} complains of the line that was typed`);
    if (counts.every(count => count === 0)) throw new Error(`${name} does not see that the line is not finished`);
  }
  const note = `a line is typed in the middle of 10,000, ${keys.length} keys; most of the time it is no YAML`;
  return compared('editor-keystroke-10k', 'ms', measured, rivalName, 20, note);
}

async function warm({ ours, rival }: Sides): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [lines, suffix, goal] of [
    [1000, '', 5],
    [10_000, '-10k', 20],
  ] as const) {
    const { before: text, near } = typing(lines);
    const document = { version: ++version, text };
    for (const service of [ours, rival]) await service.validate(document);
    const complete = async (service: EditorService) => {
      const labels = await service.complete(document, near);
      if (!labels.includes('name')) throw new Error(`\`name\` is not offered, but ${labels.join(', ')}`);
    };
    const hover = async (service: EditorService) => {
      if (!(await service.hover(document, near + 2))) throw new Error('nothing is said of `timeout`');
    };
    for (const [name, ask, least] of [
      ['editor-complete', complete, goal],
      ['editor-hover', hover, suffix ? 20 : null],
    ] as const) {
      const contenders = { ours: () => ask(ours), rival: () => ask(rival) };
      const measured = await inTurn(15, contenders, { warmUp: 5, times: { ours: 5 } });
      rows.push(compared(name + suffix, 'ms', measured, rivalName, least, 'on a document that is open'));
    }
  }
  return rows;
}

/** What the process of each side has after the same session. */
async function memory(folder: string): Promise<Row[]> {
  const session = await bundle('edit-session');
  const service = await bundle('editor');
  const measure = async (...args: string[]) => {
    const done = await run(process.execPath, [session, ...args]);
    if (done.code !== 0) throw new Error(`the session ended with ${done.code}:\n${done.output}`);
    return JSON.parse(done.stdout) as { rss: number; peak: number };
  };
  const bare = spread(
    await repeat(
      3,
      async () => Number((await run(process.execPath, ['-p', 'process.memoryUsage().rss'])).stdout) / 1e6,
    ),
  );
  const found = { ours: [] as { rss: number; peak: number }[], rival: [] as { rss: number; peak: number }[] };
  for (let round = 0; round < 3; round++) {
    found.ours.push(await measure(service));
    found.rival.push(await measure('rival', folder));
  }
  const pick = (key: 'rss' | 'peak') => ({
    ours: found.ours.map(one => one[key] / 1e6),
    rival: found.rival.map(one => one[key] / 1e6),
  });
  const note = `a process of its own for each; Node.js with nothing in it has ${bare.median.toFixed(0)} MB`;
  return [
    compared('editor-memory', 'MB', pick('rss'), rivalName, 4, `resident after the session: ${note}`),
    compared(
      'editor-memory-peak',
      'MB',
      pick('peak'),
      rivalName,
      null,
      `the most that was resident during the session: ${note}`,
    ),
  ];
}

async function repeat<T>(times: number, ask: () => Promise<T>): Promise<T[]> {
  const found: T[] = [];
  for (let round = 0; round < times; round++) found.push(await ask());
  return found;
}

/** The extension's bundle and `activate()` beside loading yaml-language-server, bundled and minified as editors ship it. */
async function loading(folder: string): Promise<Row> {
  const { folder: product } = await buildProduct();
  const extension = path.resolve(product, 'extension.js');
  const server = path.resolve(buildFolder, 'yaml-language-server.cjs');
  await esbuild.build({
    entryPoints: [folder],
    outfile: server,
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    // What `main` of its libraries loads hides `require` in a function, so it can't be bundled.
    mainFields: ['module', 'main'],
    logLevel: 'error',
  });
  const contenders = {
    ours: async () => {
      const { loadMs, activateMs } = await probe(extension, 'empty');
      return loadMs + activateMs;
    },
    rival: async () => {
      const done = await run(process.execPath, ['bench/load-probe.cjs', server]);
      if (done.code !== 0) throw new Error(`yaml-language-server could not be loaded:\n${done.output}`);
      return Number(done.stdout);
    },
  };
  const note =
    'a process of its own every time; ours with activate(), which awaits nothing that is read or asked for (activation-reaches)';
  return compared('editor-loading', 'ms', await inTurn(9, contenders), rivalName, 4, note);
}
