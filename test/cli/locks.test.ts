import { readFileSync, writeFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { type Ended, Workspace } from '../runner/built';

// What people see of locks, as a transcript in golden/.

vi.setConfig({ testTimeout: 120_000 });

let at: Workspace;
beforeAll(async () => {
  at = await Workspace.create();
  at.runbook(
    'left',
    '- uses: guest.run\n  with: { vm: web1, argv: ["true"] }\n- uses: guest.run\n  with: { vm: web1, argv: ["false"] }\n',
  );
  at.runbook('move', '- id: move\n  uses: vm.migrate\n  with: { vm: web1, to: hv2 }\n');
  at.write(
    'open.inventory.yaml',
    'version: 1\nconnections:\n  hv1: { type: libvirt, uri: "qemu+ssh://hv1/system", locks: none }\n  hv2: { type: libvirt, uri: "qemu+ssh://hv2/system" }\n',
  );
  at.write(
    'open.runbook.yaml',
    'version: 1\nname: open\ninventory: ./open.inventory.yaml\nsteps:\n  - uses: vm.start\n    with: { vm: web1 }\n',
  );
}, 60_000);
afterAll(() => at?.remove());
beforeEach(() => at.resetLab());

function steady(text: string): string {
  return text
    .replaceAll(at.folder, 'WORKSPACE')
    .replaceAll(`${userInfo().username}@${hostname()}`, 'USER@MACHINE')
    .replace(/\d{8}-\d{6}-\d{3}[a-z]{3}/g, 'RUN-ID')
    .replace(/plan [0-9a-f]{12}/g, 'plan HASH')
    .replace(/\b\d+(\.\d+)? (s|h)\b/g, 'TIME')
    .replace(/"(takenAt|heartbeatAt|heartbeatAgeMs)": \d+/g, '"$1": TIME')
    .replace(/ {2,}/g, '  ')
    .replace(/ +$/gm, '');
}

let text = '';
async function shell(...args: string[]): Promise<Ended> {
  const ended = await at.run(args);
  text += `$ virtbook ${args.join(' ')}\n${ended.stdout}${ended.stderr.replace(/^(?=.)/gm, '! ')}[exit ${ended.code}]\n\n`;
  return ended;
}

/** Changes what is kept of the lock on web1. */
function rewrite(change: (held: Record<string, string | number>) => void): void {
  const file = join(at.folder, 'lab.lab.state.json');
  const lab = JSON.parse(readFileSync(file, 'utf8')) as {
    locks: Record<string, { held?: Record<string, string | number> }>;
  };
  for (const { held } of Object.values(lab.locks)) if (held?.label === 'VM web1') change(held);
  writeFileSync(file, JSON.stringify(lab));
}

it('lists and releases locks', async () => {
  text = '';
  const lab = ['--inventory', 'lab.inventory.yaml'];
  await shell('locks');
  await shell('locks', ...lab);
  await shell('run', 'left.runbook.yaml', '--yes');
  await shell('locks', '-i', 'left.runbook.yaml');
  await shell('locks', ...lab, '--format', 'json');
  await shell('run', 'move.runbook.yaml', '--yes');
  await shell('release', 'web2', ...lab, '--yes');
  await shell('release', 'web1', ...lab);
  await shell('release', 'web1', ...lab, '--yes');
  await shell('release', 'web1', ...lab, '--yes');
  // Of another computer, and long ago.
  await at.run(['run', 'left.runbook.yaml', '--yes']);
  rewrite(held => {
    Object.assign(held, { owner: 'ann@desk', runId: '20260103-220000-000abc', note: 'patch' });
    held.heartbeatAt = Number(held.heartbeatAt) - 7_200_000;
    held.takenAt = Number(held.takenAt) - 7_200_000;
  });
  await shell('run', 'move.runbook.yaml', '--yes');
  await shell('locks', ...lab);
  await shell('release', '20260103', ...lab, '--yes');
  await shell('locks', '-i', 'move.lab.yaml');
  await expect(steady(text)).toMatchFileSnapshot('golden/locks.txt');
});

it('says in a plan that nobody is kept away', async () => {
  const { stdout, code } = await at.run(['plan', 'open.runbook.yaml']);
  expect(code).toBe(0);
  expect(stdout).toContain(
    'warning: hv1 keeps no locks (`locks: none` in the inventory): nobody is kept from changing the same VMs during the run.',
  );
});

it('refuses a folder for locks that is not absolute', async () => {
  at.write(
    'wrong.inventory.yaml',
    'version: 1\nconnections:\n  hv1: { type: libvirt, uri: "qemu+ssh://hv1/system", locks: locks }\n',
  );
  const { stdout, code } = await at.run(['check', 'wrong.inventory.yaml']);
  expect(code).toBe(1);
  expect(stdout).toContain('an absolute path on the host, or `none`');
});
