import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildServer, type Folder, folderOf } from './client';

// The set-up that docs/language-server.md tells, in a real Neovim.

const root = join(import.meta.dirname, '..', '..');
let built: string;
let folder: Folder;
beforeAll(async () => {
  built = mkdtempSync(join(tmpdir(), 'virtbook-neovim-'));
  const cli = await buildServer(built);
  const command = join(built, 'virtbook');
  writeFileSync(command, `#!/bin/sh\nexec '${process.execPath}' '${cli}' "$@"\n`);
  chmodSync(command, 0o755);
  folder = folderOf({
    'lab.inventory.yaml': 'version: 1\nconnections:\n  lab: { type: simulated, lab: ./lab.yaml }\n',
    'lab.yaml':
      'version: 1\nhosts:\n  hv1: { cpus: 4, memoryMiB: 8192 }\n  hv2: { cpus: 4, memoryMiB: 8192 }\n' +
      'datastores:\n  shared: { capacityGiB: 100, hosts: [hv1, hv2] }\n' +
      'vms:\n  web1:\n    host: hv1\n    state: running\n    memoryMiB: 512\n    disks: [{ datastore: shared, capacityGiB: 4, allocatedGiB: 1 }]\n',
    'moves.runbook.yaml':
      'version: 1\nname: moves\ninventory: ./lab.inventory.yaml\nsteps:\n' +
      '  - id: start\n    name: Start it\n    uses: vm.start\n    with: { vm: web7 }\n',
  });
}, 60_000);
afterAll(() => {
  rmSync(built, { recursive: true, force: true });
  folder.remove();
});

it('shows diagnostics, completion and hover in Neovim with the documented set-up', () => {
  const output = execFileSync(
    'nvim',
    [
      '--headless',
      '-u',
      'NONE',
      '-i',
      'NONE',
      '-n',
      '-c',
      `source ${join(root, 'docs/editors/virtbook.lua')}`,
      '-S',
      join(root, 'test/lsp/neovim.lua'),
    ],
    {
      cwd: folder.path,
      encoding: 'utf8',
      timeout: 60_000,
      env: {
        ...process.env,
        VIRTBOOK: join(built, 'virtbook'),
        XDG_CACHE_HOME: built,
        XDG_DATA_HOME: built,
        XDG_STATE_HOME: built,
      },
    },
  );
  const shown = JSON.parse(output.trim().split('\n').at(-1) ?? '');
  expect(shown.diagnostics).toEqual([{ line: 7, code: 'unknown-vm' }]);
  expect(shown.labels).toEqual(expect.arrayContaining(['vm.start', 'vm.migrate']));
  expect(shown.hover).toContain('vm.start');
}, 90_000);
