import { mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Workspace } from '../runner/built';

// `virtbook inventory --capture --pseudonyms` as it is built, on a simulated inventory.

let at: Workspace;
beforeAll(async () => {
  at = await Workspace.create();
  at.write(
    'prod.lab.yaml',
    `version: 1
hosts:
  hv1: { cpus: 16, memoryMiB: 32768 }
  hidden-host: { cpus: 16, memoryMiB: 32768 }
datastores:
  hidden-store: { capacityGiB: 500, hosts: [hv1, hidden-host], path: /mnt/hidden-path }
vms:
  web1: { host: hv1, state: running, memoryMiB: 2048, disks: [{ datastore: hidden-store, capacityGiB: 10 }], guest: { address: 198.51.100.7, agent: running } }
  hidden-vm:
    host: hidden-host
    memoryMiB: 2048
    uuid: c0ffee00-1111-4222-8333-444444444444
    disks: [{ datastore: hidden-store, capacityGiB: 10 }]
    nics: [{ network: hidden-net, mac: "52:54:00:c0:ff:ee" }]
    snapshots: [{ name: hidden-snap, description: hidden-note, createdAt: 2026-01-01T00:00:00Z }]
`,
  );
  at.write(
    'prod.inventory.yaml',
    'version: 1\nconnections:\n  lab: { type: simulated, lab: ./prod.lab.yaml }\ngroups:\n  all: { hosts: [hv1] }\n',
  );
  at.runbook('web', '- uses: vm.snapshot # virtbook-ignore\n  with: { vm: web1, name: before, quiesce: "no" }\n');
}, 60_000);
afterAll(() => at?.remove());
afterEach(() => rmSync(join(at.folder, '.git'), { recursive: true, force: true }));

const capture = (...more: string[]) =>
  at.run(['inventory', 'prod.inventory.yaml', '--capture', 'prod.capture.yaml', ...more]);
const captured = () => readFileSync(join(at.folder, 'prod.capture.yaml'), 'utf8');
const hidden = /hidden|c0ffee|c0:ff:ee|198\.51\.100\.7/;

describe('a capture with pseudonyms', () => {
  it('tells nothing that the repository does not, lists what it kept, and is the same with the same key', async () => {
    const { code, stdout, stderr } = await capture('--pseudonyms');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const text = captured();
    expect(text).not.toMatch(hidden);
    expect(text).toContain('"web1"');
    expect(text).toContain('"hv1"');
    expect(stdout).toMatch(/^ {2}hosts: hv1$/m);
    expect(stdout).toMatch(/^ {2}VMs: web1$/m);
    expect(stdout).toMatch(/^Pseudonyms stand for 1 host, 1 VM, 1 datastore, 1 network, 2 volumes, 1 snapshot, /m);
    expect(stdout).toContain(join(at.state, 'pseudonyms.key'));
    expect(statSync(join(at.state, 'pseudonyms.key')).mode & 0o777).toBe(0o600);

    await capture('--pseudonyms');
    const clockless = (capture: string) => capture.replace(/"clock": ".*"/, '');
    expect(clockless(captured())).toBe(clockless(text));
    at.write('other.key', 'ab'.repeat(32));
    await capture('--pseudonym-key', 'other.key');
    expect(captured()).not.toMatch(hidden);
    expect(clockless(captured())).not.toBe(clockless(text));
  });

  it('is what a rehearsal can be made on', async () => {
    await capture('--pseudonyms');
    at.write(
      'on-prod.runbook.yaml',
      readFileSync(join(at.folder, 'web.runbook.yaml'), 'utf8').replace('lab.inv', 'prod.inv'),
    );
    const { code, stdout } = await at.run(['rehearse', 'on-prod.runbook.yaml', '--lab', 'prod.capture.yaml']);
    expect(stdout).toMatch(/14 failure points: all come back/);
    expect(code).toBe(0);
  });

  it('keeps the key out of the repository, and takes no other file for one', async () => {
    mkdirSync(join(at.folder, '.git'));
    at.write('own.key', 'ab'.repeat(32));
    const inside = await capture('--pseudonym-key', 'own.key');
    expect(inside).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/own\.key is in the repository .*--pseudonym-key/),
    });
    rmSync(join(at.folder, '.git'), { recursive: true });
    at.write('short.key', 'abcd');
    const short = await capture('--pseudonym-key', 'short.key');
    expect(short).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/short\.key holds no key.*openssl rand -hex 32/),
    });
    const alone = await at.run(['inventory', 'prod.inventory.yaml', '--pseudonyms']);
    expect(alone).toMatchObject({ code: 2, stderr: expect.stringContaining('add --capture FILE') });
  });
});
