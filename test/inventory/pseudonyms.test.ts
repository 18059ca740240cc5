import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { actionNamed } from '../../src/actions/catalogue';
import { makePlan } from '../../src/engine/make-plan';
import { rehearse } from '../../src/engine/rehearse';
import type { DiskInfo, SnapshotInfo, VmInfo } from '../../src/hypervisors/ports';
import { GiB } from '../../src/hypervisors/simulated/state';
import { captureLab, captureText, type SeenConnection } from '../../src/inventory/capture';
import type { Inventory } from '../../src/inventory/model';
import { pseudonymise } from '../../src/inventory/pseudonyms';
import { SimulatedInventory } from '../../src/inventory/simulated-inventory';
import { namesWrittenInInventory, namesWrittenInRunbook } from '../../src/inventory/written-names';
import { placesInCapture } from '../../src/rehearsal/places';
import { parseRunbook } from '../../src/runbook/parse';

const key = (seed: number) => new Uint8Array(32).fill(seed);
const runbook = `version: 1
name: Patch the shop
inputs:
  vms: { type: vms, default: [web1, web2] }
steps:
  - uses: vm.migrate
    with: { vm: web1, to: hv2, storage: copy }
  - forEach: { vm: "\${{ inputs.vms }}", batch: 1 }
    steps:
      - uses: vm.snapshot
        with: { vm: "\${{ vm }}", name: before, quiesce: "no" }
      - uses: guest.patch # virtbook-ignore: patch-unchecked
        with: { vm: "\${{ vm }}", packages: [openssl], snapshot: false }
`;
const inventory: Inventory = {
  version: 1,
  connections: {
    hv1: { type: 'libvirt', uri: 'qemu+ssh://root@hv1/system' },
    hv2: { type: 'libvirt', uri: 'qemu+ssh://root@hv2/system' },
  },
  groups: { web: { vms: ['web1'] } },
  proxies: {},
  vms: { db1: { address: '203.0.113.9' } },
};
const known = new Set([...namesWrittenInInventory(inventory), ...namesWrittenInRunbook(runbook)]);

/** Names that nothing else has in it, so that they can be looked for as text. */
const secretName = fc
  .tuple(fc.stringMatching(/^[a-z0-9._-]{0,12}$/), fc.integer({ min: 0, max: 0xffff }))
  .map(([text, number]) => `Zq${text}${number.toString(16).padStart(4, '0')}`);
const digits = fc.stringMatching(/^[0-9a-f]{12}$/);

interface Shape {
  vms: {
    name: string;
    uuid: string;
    mac: string;
    network: string;
    disk: string;
    snapshot: string;
    description: string;
  }[];
  folder: string;
  datastore: string;
}
const shape: fc.Arbitrary<Shape> = fc.record({
  vms: fc.uniqueArray(
    fc.record({
      name: secretName,
      uuid: digits.map(text => `abcdef01-2345-4789-a${text.slice(0, 3)}-${text}`),
      mac: digits.map(text => text.replace(/(..)(?=.)/g, '$1:')),
      network: secretName,
      disk: secretName,
      snapshot: secretName,
      description: secretName,
    }),
    { minLength: 1, maxLength: 5, selector: vm => vm.name },
  ),
  folder: secretName,
  datastore: secretName,
});

function seenOf({ vms, folder, datastore }: Shape): SeenConnection[] {
  const disk = (name: string): DiskInfo => ({
    target: 'vda',
    source: `/var/${folder}/${name}.qcow2`,
    format: 'qcow2',
    datastore,
    capacityBytes: 20 * GiB,
    allocationBytes: 5 * GiB,
    writable: true,
  });
  const vm = (name: string, host: string, more: Partial<VmInfo> = {}): VmInfo => ({
    uuid: `00000000-0000-4000-8000-${Buffer.from(name).toString('hex').padStart(12, '0').slice(-12)}`,
    name,
    host,
    state: 'running',
    vcpus: 2,
    memoryMiB: 2048,
    persistent: true,
    disks: [disk(name)],
    nics: [{ mac: '52:54:00:12:34:56', network: 'default', model: 'virtio' }],
    snapshotCount: 0,
    agent: 'connected',
    ...more,
  });
  const strangers = vms.map(one =>
    vm(one.name, 'hv1', {
      uuid: one.uuid,
      agent: 'unknown',
      disks: [disk(one.disk), { ...disk(`${one.disk}-cd`), source: `/var/${folder}/${one.disk}.iso`, writable: false }],
      nics: [{ mac: one.mac, network: one.network }],
      snapshotCount: 1,
      stateReason: one.description,
    }),
  );
  const snapshots = new Map<string, SnapshotInfo[]>(
    vms.map(one => [
      one.uuid,
      [
        {
          name: one.snapshot,
          description: one.description,
          createdAt: '2026-01-01T00:00:00.000Z',
          memory: false,
          current: true,
        },
      ],
    ]),
  );
  const host = (name: string, more: VmInfo[], taken: SeenConnection['snapshots']): SeenConnection => ({
    connection: name,
    state: {
      hosts: [{ name, version: 'QEMU 7.2.0, libvirt 9.0.0', cpus: 8, memoryMiB: 32_768 }],
      vms: more,
      datastores: [
        {
          name: datastore,
          host: name,
          capacityBytes: 400 * GiB,
          freeBytes: 200 * GiB,
          path: `/var/${folder}`,
        },
      ],
    },
    snapshots: taken,
  });
  return [host('hv1', [...strangers, vm('web1', 'hv1'), vm('web2', 'hv1')], snapshots), host('hv2', [], new Map())];
}

const textOf = (seen: readonly SeenConnection[]) => captureText(captureLab(seen, inventory, 0));

describe('a capture with pseudonyms', () => {
  it('has no name in it that the repository does not have, and those that it has', () => {
    fc.assert(
      fc.property(shape, made => {
        const { seen } = pseudonymise(seenOf(made), known, key(1));
        const text = textOf(seen);
        const hidden = [made.folder, made.datastore, ...made.vms.flatMap(vm => Object.values(vm))];
        for (const name of hidden) expect(text).not.toContain(name);
        for (const name of ['web1', 'web2', 'hv1', 'hv2']) expect(text).toContain(`"${name}"`);
      }),
      { numRuns: 100 },
    );
  });

  it('rehearses to the same verdicts as without', async () => {
    const { runbook: parsed, diagnostics } = parseRunbook(runbook);
    if (!parsed) throw new Error(diagnostics.map(one => one.message).join(' '));
    const { plan } = makePlan({ runbook: parsed, action: actionNamed, inventory });
    const found = async (seen: readonly SeenConnection[]) => {
      const { places } = placesInCapture(textOf(seen), 'capture', inventory, plan);
      const rehearsal = await rehearse({
        plan,
        action: actionNamed,
        inventory: SimulatedInventory.over(inventory, places),
      });
      return {
        clean: rehearsal.clean.status,
        counts: rehearsal.counts,
        steps: rehearsal.steps.map(step => ({ ...step, loads: undefined })),
        bad: rehearsal.stories.length,
      };
    };
    await fc.assert(
      fc.asyncProperty(shape, async made => {
        const seen = seenOf(made);
        const plain = await found(seen);
        expect(await found(pseudonymise(seen, known, key(1)).seen)).toEqual(plain);
        expect(plain.clean).toBe('done');
      }),
      { numRuns: 5 },
    );
  }, 60_000);

  it('gives a name the same pseudonym in the next capture, and another one with another key', () => {
    fc.assert(
      fc.property(shape, secretName, (made, newcomer) => {
        const first = pseudonymise(seenOf(made), known, key(1));
        const more = { ...made, vms: [{ ...made.vms[0]!, name: newcomer, uuid: made.vms[0]!.uuid }, ...made.vms] };
        const names = ({ seen }: { seen: readonly SeenConnection[] }) =>
          seen.flatMap(one => one.state.vms.map(vm => vm.name));
        expect(names(pseudonymise(seenOf(more), known, key(1)))).toEqual(expect.arrayContaining(names(first)));
        const other = names(pseudonymise(seenOf(made), known, key(2)));
        expect(other.filter(name => names(first).includes(name)).sort()).toEqual(['web1', 'web2']);
      }),
    );
  });

  it('says what it kept and how many names it replaced', () => {
    const made: Shape = {
      folder: 'images',
      datastore: 'fast',
      vms: [
        {
          name: 'payroll',
          uuid: 'abcdef01-2345-4789-a000-000000000001',
          mac: '52:54:00:00:00:01',
          network: 'finance',
          disk: 'payroll',
          snapshot: 'before',
          description: 'before the audit',
        },
      ],
    };
    const { kept, replaced } = pseudonymise(seenOf(made), known, key(1));
    expect(kept).toEqual({ host: ['hv1', 'hv2'], vm: ['web1', 'web2'], snapshot: ['before'] });
    expect(replaced).toMatchObject({ vm: 1, datastore: 1, network: 1, uuid: 3, mac: 2 });
  });

  it('does not tell by their order how names sort', () => {
    const vms = ['Zqaaa', 'Zqbbb', 'Zqccc', 'Zqddd', 'Zqeee'].map((name, at) => ({
      name,
      uuid: `abcdef01-2345-4789-a000-00000000000${at}`,
      mac: `52:54:00:00:00:0${at}`,
      network: 'finance',
      disk: name,
      snapshot: 'old',
      description: '',
    }));
    const [first] = pseudonymise(seenOf({ folder: 'images', datastore: 'fast', vms }), known, key(1)).seen;
    const names = first!.state.vms.map(vm => vm.name);
    expect(names).toEqual([...names].sort());
  });

  it('takes no key that could be guessed', () => {
    expect(() => pseudonymise([], known, new Uint8Array(31))).toThrow('at least 32 bytes');
  });
});

describe('names that stand in a runbook', () => {
  it('are values that may be names, whole and word by word; texts for people are none', () => {
    const names = namesWrittenInRunbook(`version: 1
name: payroll
description: mail
inventory: ./lab.inventory.yaml
inputs:
  vm: { type: vm, default: web1, description: crm }
  vms: { type: vms, default: "web2, web3" }
steps:
  - id: ldap
    uses: vm.snapshot
    with: { vm: "\${{ inputs.vm == 'db1' ? 'db2' : 'db3' }}", name: before the change }
  # wiki
  - when: inputs.vm == "edge1"
    uses: vm.migrate
    with: { vm: old1, to: hv9 }
`);
    for (const name of ['web1', 'web2', 'web3', 'db1', 'db2', 'db3', 'before the change', 'edge1', 'old1', 'hv9'])
      expect(names).toContain(name);
    for (const name of ['payroll', 'mail', 'crm', 'ldap', 'wiki', 'vm.snapshot']) expect(names).not.toContain(name);
  });

  it('are none in what is no YAML', () => {
    expect([...namesWrittenInRunbook('steps: [a, b')]).toEqual([]);
  });
});
