import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Hypervisor } from '../../src/hypervisors/ports';
import { lockBehaviour } from '../behaviour/locks';
import type { Vm } from './lab';
import { type LibvirtWorld, libvirtWorld } from './libvirt-world';
import { until } from './processes';
import { Virtbook } from './virtbook';

/**
 * Locks on real hosts, over the SFTP of their sshd: two computers, each with the built program and a state folder of its own, and runners that
 * are killed.
 */

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

lockBehaviour('on a libvirt host', async () => {
  const world = await libvirtWorld();
  const open: Hypervisor[] = [];
  return {
    async open() {
      const connection = await world.connect('hv1');
      open.push(connection);
      return connection.locks!;
    },
    async cleanUp() {
      for (const connection of open) await connection.close();
      await world.cleanUp();
    },
  };
});

describe('two computers', () => {
  let world: LibvirtWorld;
  let vm: Vm;
  let laptop: Virtbook;
  let desk: Virtbook;
  const folder = '/var/lib/virtbook/locks';

  beforeAll(async () => {
    world = await libvirtWorld();
    const { lab } = world;
    vm = await lab.makeVm({ name: 'web1', guest: 'tiny', pool: 'shared', host: 'hv1' });
    laptop = new Virtbook(lab);
    // Of the lab it only needs a folder.
    const own = join(lab.dir, 'desk');
    mkdirSync(own);
    desk = new Virtbook(Object.assign(Object.create(lab), { dir: own }));
  });
  afterAll(async () => {
    await laptop?.close();
    await desk?.close();
    await world?.cleanUp();
  });

  /** In the guest, so that what really happened can be seen there. */
  const note = (text: string, seconds: number) =>
    `- id: ${text}\n  uses: guest.run\n  with: { vm: web1, argv: [sh, -c, "echo ${text} >> /data/notes; sleep ${seconds}"] }\n  rollback: none\n`;
  const notes = async () => (await vm.guestExec('cat /data/notes; rm -f /data/notes')).stdout.trim().split('\n');
  /** Labels of what is locked, as one of them sees it. */
  const locked = async (by: Virtbook) => {
    const { stdout } = await by.command('locks', '-i', world.lab.inventory, '--format', 'json');
    const { locks } = JSON.parse(stdout) as { locks: { label: string; runId: string; connection: string }[] };
    return locks.map(({ label, connection }) => `${label} on ${connection}`);
  };

  /** Waits for the intent of a step; a run that ends before says why. */
  const begins = (by: Virtbook, run: string, key: string) =>
    by.waitFor(run, `the step ${key}`, record => {
      if (record.type === 'run.ended') throw new Error(`${run} ended before ${key}: ${JSON.stringify(record)}`);
      return record.type === 'step.intent' && record.key === key;
    });

  it('that begin at once on one VM: one proceeds, the other says who holds the lock; again and again', async () => {
    const file = laptop.write('note', note('once', 3));
    for (let round = 0; round < 5; round++) {
      const both = await Promise.all([laptop.run(file), desk.run(file)]);
      const told = both.map(one => one.stdout + one.stderr).join('\n');
      expect(both.map(one => one.code).sort(), told).toEqual([0, 1]);
      expect(both.find(one => one.code === 1)!.stdout).toMatch(
        /VM web1 is locked by \S+@\S+ \(run \d{8}-\S+, note\) for \d+ s; last heartbeat \d+ s ago/,
      );
      expect(await notes()).toEqual(['once']);
      expect(await locked(laptop)).toEqual([]);
    }
  });

  it('one of which dies: its lock stays on the host, the other is told that it is stale, a resume ends it', async () => {
    const file = laptop.write('long', `${note('before', 6)}${note('after', 0)}`);
    const run = await laptop.start(file);
    await begins(laptop, run, 'before');
    // Its intent is on disk before the command has reached the guest.
    await until('the note in the guest', 10_000, async () =>
      (await vm.guestExec('cat /data/notes')).stdout.includes('before') ? true : undefined,
    );
    await laptop.killRunner(run);
    expect(await locked(desk)).toEqual(['VM web1 on hv1']);
    const names = (await world.lab.host('hv1').exec(['ls', folder])).stdout.trim().split('\n');
    expect(names).toHaveLength(1);
    await world.lab.host('hv1').exec(['touch', '-d', '1 hour ago', `${folder}/${names[0]}`]);
    const refused = await desk.run(file);
    expect(refused.code).toBe(1);
    expect(refused.stdout).toContain('last heartbeat 60 min ago. It is stale');
    expect(refused.stdout).toContain(`\`virtbook release ${run}\``);
    // Whether the first command happened is asked for: nobody can answer here, so it is taken back, which keeps nothing.
    expect((await laptop.command('rollback', run)).code).toBe(1);
    expect(await locked(desk)).toEqual([]);
    expect((await desk.run(laptop.write('note', note('again', 0)))).code).toBe(0);
    expect(await notes()).toEqual(['before', 'again']);
  });

  it('one of which takes the other one’s lock away: that one begins no other step and undoes nothing', async () => {
    const snapshot = '- id: snap\n  uses: vm.snapshot\n  with: { vm: web1, name: kept }\n';
    const file = laptop.write('robbed', `${snapshot}${note('first', 8)}${note('second', 0)}`);
    const run = await laptop.start(file);
    await begins(laptop, run, 'first');
    const released = await desk.command('release', 'web1', '-i', world.lab.inventory, '--yes');
    expect(released, released.stderr).toMatchObject({ code: 0 });
    expect(released.stdout).toContain('The run is not on this computer');
    expect(released.stdout).toContain('Its runner may well be alive.');
    const ended = await laptop.waitFor(run, 'its end', record => record.type === 'run.ended');
    expect(ended).toMatchObject({
      status: 'needs-operator',
      failure: { class: 'locked', message: expect.stringContaining('was taken away from this run: nobody has it now') },
      remaining: [{ key: 'snap' }],
    });
    expect(await notes()).toEqual(['first']);
    const snapshots = async () => (await world.lab.host('hv1').virsh(['snapshot-list', 'web1', '--name'])).trim();
    expect(await snapshots()).toBe('kept');
    expect((await laptop.command('rollback', run)).code).toBe(1);
    expect(await snapshots()).toBe('');
    expect(await locked(desk)).toEqual([]);
  });

  it('lock a VM where it goes to, as well', async () => {
    const file = laptop.write('move', '- id: move\n  uses: vm.migrate\n  with: { vm: web1, to: hv2 }\n');
    const run = await laptop.start(file);
    await begins(laptop, run, 'move');
    expect((await locked(desk)).sort()).toEqual(['VM web1 on hv1', 'VM web1 on hv2', 'host hv2 on hv2']);
    await laptop.waitFor(run, 'its end', record => record.type === 'run.ended');
    expect(laptop.end(run)).toBe('done');
    expect(await locked(desk)).toEqual([]);
  });
});
