// npm run bench [-- NAME…] [--strict]: measures us against rivals, side by side in one run.
import { rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { activation } from './activation';
import { check, checkLinear } from './check';
import { stopEverything, stopOnSignals } from './cleanup';
import { domains } from './domains';
import { editor } from './editor';
import { fanOut } from './fan-out';
import { journal } from './journal';
import { buildFolder } from './ours';
import { plan } from './plan';
import { rehearsal } from './rehearsal';
import { review } from './review';
import { RivalMissing } from './rivals';
import { missing, type Row, table } from './row';
import { tree } from './tree';

const benches: Record<string, () => Promise<Row[]>> = {
  domains,
  check,
  'check-linear': checkLinear,
  activation,
  editor,
  'fan-out': fanOut,
  rehearsal,
  journal,
  plan,
  review,
  tree,
};

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { strict: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
    allowPositionals: true,
  });
  const unknown = positionals.filter(name => !(name in benches));
  if (values.help || unknown.length) {
    if (unknown.length) console.error(`no such bench: ${unknown.join(', ')}`);
    console.log(
      `npm run bench -- [NAME…] [--strict]\n\nNAME is one of ${Object.keys(benches).join(', ')}; without any, all run.`,
    );
    console.log('--strict: exit with 1 when a goal is not held or a rival is missing.');
    return unknown.length ? 2 : 0;
  }
  stopOnSignals();
  process.on('exit', () => rmSync(buildFolder, { recursive: true, force: true }));
  const rows: Row[] = [];
  for (const [name, bench] of Object.entries(benches)) {
    if (positionals.length && !positionals.includes(name)) continue;
    console.error(`… ${name}`);
    try {
      rows.push(...(await bench()));
    } catch (error) {
      // A bench that breaks is a line of the report and a failed run, never an empty place.
      const rival = error instanceof RivalMissing ? error.rival : null;
      rows.push(missing(name, rival, error instanceof Error ? error.message : String(error)));
      if (!rival) console.error(error);
    } finally {
      await stopEverything();
    }
  }
  writeFileSync(path.join('bench', 'results.json'), `${JSON.stringify(rows, null, 2)}\n`);
  console.log(`\n${table(rows)}\n`);
  console.log(
    `${os.cpus().length} cores, Node ${process.versions.node}, load ${os.loadavg()[0]?.toFixed(1)} at the end`,
  );
  return values.strict && rows.some(row => !row.holds) ? 1 : 0;
}

process.chdir(path.dirname(__dirname));
main().then(
  code => process.exit(code),
  async (error: unknown) => {
    console.error(error);
    await stopEverything();
    process.exit(1);
  },
);
