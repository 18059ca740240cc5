import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { removeCgroups } from './cgroups';
import { killMembers, run, runningMembers } from './processes';
import { releaseSlot } from './slots';

/** What a lab leaves in its folder for the process that takes it down, maybe another one. */
export interface LabRecord {
  /** The slot a lab owns; a fan has none. */
  slot?: number;
}

/** Makes the lab's folder and marks it as a lab's: what `tearDown` may remove. Refuses a folder of someone else. */
export async function takeFolder(directory: string): Promise<void> {
  if (runningMembers(directory).size > 0)
    throw new Error(`A lab is up in ${directory} already; \`npm run lab -- down --dir ${directory}\` ends it.`);
  await tearDown(directory);
  if (existsSync(directory) && readdirSync(directory).length > 0)
    throw new Error(
      `${directory} has files that are not a lab's, and a lab's folder is removed with the lab: choose an empty one.`,
    );
  writeRecord(directory, {});
}

export function writeRecord(directory: string, record: LabRecord): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'lab.json'), `${JSON.stringify(record)}\n`);
}

export function readRecord(directory: string): LabRecord | undefined {
  const file = join(directory, 'lab.json');
  if (!existsSync(file)) return undefined;
  const record: unknown = JSON.parse(readFileSync(file, 'utf8'));
  const slot = typeof record === 'object' && record !== null && 'slot' in record ? record.slot : undefined;
  if (slot !== undefined && typeof slot !== 'number')
    throw new Error(`${file} is not a lab's record; remove the folder by hand if it is one's rest.`);
  return { slot };
}

/**
 * Ends the lab in a folder, whoever started it and however far it came: processes, control groups, packet filter
 * rules, its folder, its slot. Mounts go with the hosts' mount namespaces. Does nothing where there is no lab.
 */
export async function tearDown(directory: string): Promise<void> {
  await killMembers(directory);
  const record = readRecord(directory);
  if (!record) return;
  if (record.slot !== undefined) {
    const mark = `virtbook-lab-${record.slot}-`;
    for (const name of ['hv1', 'hv2', 'px1']) await removeCgroups(`${mark}${name}`);
    await removeFilterRules(mark);
  }
  rmSync(directory, { recursive: true, force: true });
  if (record.slot !== undefined) releaseSlot(record.slot, directory);
}

async function removeFilterRules(mark: string): Promise<void> {
  const listed = await run('iptables', ['-w', '-S', 'INPUT']).catch(() => undefined);
  for (const rule of listed?.stdout.split('\n') ?? [])
    if (rule.includes(` --comment ${mark}`)) await run('iptables', ['-w', ...rule.replace(/^-A/, '-D').split(' ')]);
}
