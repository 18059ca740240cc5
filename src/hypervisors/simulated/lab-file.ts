import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { type Document, LineCounter, parseDocument } from 'yaml';
import { LockRecordSchema } from '../lock-record';
import { faultKinds, type ScriptedFault } from './faults';
import type {
  LabDatastore,
  LabGuest,
  LabHost,
  LabLock,
  LabPackageVersion,
  LabProxy,
  LabRepository,
  LabSnapshot,
  LabVm,
} from './state';

/** The lab file: what a person writes (YAML) and what a run saves (JSON). Sizes are in GiB, memory in MiB, times ISO 8601. */

const closed = { additionalProperties: false };
const size = (description: string) => Type.Number({ minimum: 0, description });
const text = (description: string) => Type.String({ description });
const when = (description: string) => Type.String({ description, pattern: '^\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z$' });

const HostSchema = Type.Object(
  {
    cpus: Type.Integer({ minimum: 1, description: 'Logical CPUs.' }),
    memoryMiB: Type.Integer({ minimum: 1, description: 'Memory for VMs.' }),
    cpu: Type.Optional(text('CPU model; VMs with `host-passthrough` only run on the same one.')),
    cpuLevel: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 4, description: 'x86-64 level of that model; 3 when left out.' }),
    ),
    version: Type.Optional(text('What the host says of itself.')),
    lost: Type.Optional(Type.Object({ until: Type.Optional(when('When it is back; never when left out.')) }, closed)),
  },
  closed,
);

const StraySchema = Type.Object(
  { volume: Type.String(), sizeGiB: size('Size.'), vm: Type.String(), mark: Type.String() },
  closed,
);

const DatastoreSchema = Type.Object(
  {
    capacityGiB: size('Capacity.'),
    usedByOthersGiB: Type.Optional(size('Used by what the lab does not show.')),
    hosts: Type.Array(Type.String(), { minItems: 1, description: 'Hosts that see it; more than one: it is shared.' }),
    path: Type.Optional(text('Folder on those hosts.')),
    strays: Type.Optional(
      Type.Array(StraySchema, { description: 'Volumes that an interrupted operation left behind.' }),
    ),
  },
  closed,
);

const VersionSchema = Type.Union([
  Type.String(),
  Type.Object(
    {
      version: Type.String(),
      postinst: Type.Optional(Type.Literal('fails', { description: 'Its post-installation script fails.' })),
      rebootRequired: Type.Optional(Type.Boolean()),
      breaksService: Type.Optional(text('A service that does not come up with it, although apt is content.')),
    },
    closed,
  ),
]);

const State = Type.Enum(['running', 'paused', 'shutoff', 'crashed']);

const GuestSchema = Type.Object(
  {
    os: Type.Optional(text('e.g. `debian-12`.')),
    address: Type.Optional(text('Where it is reached over the network.')),
    agent: Type.Optional(Type.Enum(['running', 'none', 'hung'], { description: 'Guest agent; `none` when left out.' })),
    ssh: Type.Optional(Type.Boolean({ description: 'Whether sshd runs; true when there is an address.' })),
    bootSeconds: Type.Optional(size('From start until the agent answers.')),
    shutdownSeconds: Type.Optional(size('From being asked until it is off.')),
    ignoresShutdown: Type.Optional(Type.Boolean({ description: 'Never goes down when asked to.' })),
    repository: Type.Optional(text('Name of the repository that apt uses.')),
    packages: Type.Optional(
      Type.Record(
        Type.String(),
        Type.Union([
          Type.String(),
          Type.Object({ version: Type.String(), status: Type.Enum(['installed', 'half-configured']) }, closed),
        ]),
        { description: 'Installed packages and their versions.' },
      ),
    ),
    files: Type.Optional(Type.Record(Type.String(), Type.String(), { description: 'Absolute paths and their text.' })),
    services: Type.Optional(Type.Record(Type.String(), Type.Enum(['active', 'inactive', 'failed']))),
    otherCommands: Type.Optional(
      Type.Literal('succeed', { description: 'Commands that the simulation does not know end with code 0, not 127.' }),
    ),
    listens: Type.Optional(
      Type.Array(
        Type.Object(
          {
            port: Type.Integer({ minimum: 1, maximum: 65535 }),
            service: Type.Optional(text('Listens only while this service is active.')),
            http: Type.Optional(
              Type.Record(
                Type.String(),
                Type.Object({ status: Type.Integer(), body: Type.Optional(Type.String()) }, closed),
                { description: 'Paths and what they answer.' },
              ),
            ),
          },
          closed,
        ),
      ),
    ),
  },
  closed,
);

const SnapshotSchema = Type.Object(
  {
    name: Type.String({ minLength: 1 }),
    description: Type.Optional(Type.String()),
    createdAt: when('When it was taken.'),
    memory: Type.Optional(Type.Boolean()),
    state: Type.Optional(State),
    sizeGiB: Type.Optional(size('Space that it takes.')),
    datastore: Type.Optional(Type.String()),
    guest: Type.Optional(GuestSchema),
    parent: Type.Optional(text('Snapshot that was the current one when this one was taken.')),
  },
  closed,
);

const VmSchema = Type.Object(
  {
    uuid: Type.Optional(Type.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' })),
    host: text('Where it is.'),
    state: Type.Optional(State),
    stateReason: Type.Optional(Type.String()),
    vcpus: Type.Optional(Type.Integer({ minimum: 1 })),
    memoryMiB: Type.Integer({ minimum: 1 }),
    cpu: Type.Optional(
      Type.String({
        pattern: '^(host-passthrough|x86-64-v[1-4])$',
        description: '`x86-64-v1` … `x86-64-v4` or `host-passthrough`.',
      }),
    ),
    cdrom: Type.Optional(text('Image in the CD-ROM drive, on the host’s own disk.')),
    dirtyMiBps: Type.Optional(size('Memory it writes per second.')),
    disks: Type.Array(
      Type.Object(
        {
          target: Type.Optional(text('Device in the guest; `vda`, `vdb`, … when left out.')),
          datastore: Type.String(),
          volume: Type.Optional(text('File name on the datastore.')),
          format: Type.Optional(Type.Enum(['qcow2', 'raw'])),
          capacityGiB: size('Size as the guest sees it.'),
          allocatedGiB: Type.Optional(size('Space that it takes; half the capacity when left out.')),
        },
        closed,
      ),
    ),
    nics: Type.Optional(
      Type.Array(
        Type.Object(
          {
            network: text('Network of the host that it is plugged into.'),
            mac: Type.Optional(Type.String({ pattern: '^([0-9a-f]{2}:){5}[0-9a-f]{2}$' })),
            model: Type.Optional(Type.String()),
          },
          closed,
        ),
        { description: 'One on the network `default` when left out.' },
      ),
    ),
    guest: Type.Optional(GuestSchema),
    snapshots: Type.Optional(Type.Array(SnapshotSchema)),
    currentSnapshot: Type.Optional(Type.String()),
    frozen: Type.Optional(Type.Boolean()),
    agentSilent: Type.Optional(Type.Boolean()),
    readyAt: Type.Optional(when('A running guest is still booting until then.')),
    job: Type.Optional(
      Type.Object(
        {
          kind: Type.Literal('backup'),
          mark: Type.String(),
          port: Type.Integer(),
          targets: Type.Array(Type.String()),
          consistency: Type.Enum(['application', 'memory', 'crash', 'offline']),
        },
        closed,
      ),
    ),
  },
  closed,
);

const ProxySchema = Type.Object(
  {
    capacityGiB: size('Capacity of its repository.'),
    files: Type.Optional(
      Type.Record(
        Type.String(),
        Type.Object(
          {
            sizeBytes: Type.Integer({ minimum: 0 }),
            text: Type.Optional(Type.String()),
            image: Type.Optional(Type.Object({ vm: Type.String(), target: Type.String(), guest: GuestSchema }, closed)),
          },
          closed,
        ),
      ),
    ),
  },
  closed,
);

const FaultSchema = Type.Object(
  {
    at: text('`port.method`, e.g. `migration.migrate`, or `*`.'),
    vm: Type.Optional(Type.String()),
    host: Type.Optional(Type.String()),
    nth: Type.Optional(Type.Integer({ minimum: 1 })),
    times: Type.Optional(Type.Integer({ minimum: 1 })),
    kind: Type.Enum([...faultKinds]),
    happened: Type.Optional(Type.Boolean()),
    seconds: Type.Optional(Type.Number({ minimum: 0 })),
    message: Type.Optional(Type.String()),
  },
  closed,
);

/** JSON Schema of a lab file. */
export const LabFileSchema = Type.Object(
  {
    version: Type.Literal(1),
    revision: Type.Optional(Type.Integer({ minimum: 0, description: 'Grows with every change.' })),
    clock: Type.Optional(when('The lab’s time.')),
    hosts: Type.Record(Type.String(), HostSchema),
    datastores: Type.Record(Type.String(), DatastoreSchema),
    repositories: Type.Optional(
      Type.Record(Type.String(), Type.Record(Type.String(), Type.Array(VersionSchema, { minItems: 1 })), {
        description: 'Packages and their versions, oldest first; the last is what apt would install.',
      }),
    ),
    vms: Type.Record(Type.String(), VmSchema),
    proxies: Type.Optional(Type.Record(Type.String(), ProxySchema)),
    locks: Type.Optional(
      Type.Record(
        Type.String(),
        Type.Object({ token: Type.Integer({ minimum: 1 }), held: Type.Optional(LockRecordSchema) }, closed),
        { description: 'Who holds what during a run; written by runs.' },
      ),
    ),
    faults: Type.Optional(Type.Array(FaultSchema, { description: 'Counted from when the lab is opened.' })),
  },
  closed,
);
type LabFileData = Static<typeof LabFileSchema>;

/** The lab file's content with everything left out filled in. `clock` in ms. */
export interface LabRecords {
  revision: number;
  clock: number;
  hosts: Record<string, LabHost>;
  datastores: Record<string, LabDatastore>;
  repositories: Record<string, LabRepository>;
  vms: LabVm[];
  proxies: Record<string, LabProxy>;
  locks?: Readonly<Record<string, LabLock>>;
  faults: ScriptedFault[];
}

/** The lab file is wrong; the message names file, line and what to do. */
export class LabFileError extends Error {
  override readonly name = 'LabFileError';
}

const defaultClock = Date.UTC(2026, 0, 3, 22);

/** A VM's uuid when the file gives none: the same for the same name, always. */
function uuidOfName(name: string): string {
  const hex = bytesToHex(sha256(utf8ToBytes(`virtbook simulated vm ${name}`)));
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** A NIC's address when the file gives none, from QEMU's range. */
function macOf(uuid: string, index: number): string {
  const bytes = sha256(utf8ToBytes(`virtbook simulated nic ${uuid} ${index}`)).slice(0, 3);
  return `52:54:00:${bytesToHex(bytes).replace(/(..)(?=.)/g, '$1:')}`;
}

/** Throws `LabFileError`. */
export function parseLabFile(source: string, file = 'lab file'): LabRecords {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, merge: true });
  const broken = document.errors[0];
  if (broken) {
    throw new LabFileError(`${file}:${lines.linePos(broken.pos[0]).line}: ${broken.message.split('\n')[0]}`);
  }
  const data: unknown = document.toJS({ maxAliasCount: 100 });
  const refuse = (path: string[], message: string): never => {
    throw new LabFileError(`${file}:${lineOf(document, lines, path)}: ${path.join('.') || 'the lab'}: ${message}`);
  };
  if (!Value.Check(LabFileSchema, data)) {
    // The deepest complaint is the one about what was actually written.
    const errors = [...Value.Errors(LabFileSchema, data)];
    const error = errors.sort((a, b) => b.instancePath.length - a.instancePath.length)[0];
    const path = (error?.instancePath ?? '').split('/').slice(1);
    refuse(
      path.map(part => part.replaceAll('~1', '/').replaceAll('~0', '~')),
      `${error?.keyword === 'boolean' ? 'nothing of that name is known here' : (error?.message ?? 'not a lab file')}${error ? detail(error.params) : ''}.`,
    );
  }
  return fill(data as LabFileData, refuse);
}

function detail(params: object): string {
  const { allowedValues, additionalProperties, requiredProperties } = params as Record<string, unknown>;
  for (const list of [allowedValues, additionalProperties, requiredProperties]) {
    if (Array.isArray(list)) return `: ${list.join(', ')}`;
  }
  return '';
}

function lineOf(document: Document, lines: LineCounter, path: string[]): number {
  for (let depth = path.length; depth > 0; depth--) {
    const node: unknown = document.getIn(
      path.slice(0, depth).map(part => (/^\d+$/.test(part) ? Number(part) : part)),
      true,
    );
    const range = (node as { range?: [number, number, number] } | undefined)?.range;
    if (range) return lines.linePos(range[0]).line;
  }
  return 1;
}

function fill(data: LabFileData, refuse: (path: string[], message: string) => never): LabRecords {
  const clock = data.clock === undefined ? defaultClock : Date.parse(data.clock);
  const hosts: Record<string, LabHost> = {};
  for (const [name, host] of Object.entries(data.hosts)) {
    const { lost, ...rest } = host;
    hosts[name] = {
      cpu: 'EPYC-Milan',
      cpuLevel: 3,
      version: 'simulated',
      ...rest,
      ...(lost ? { lost: lost.until === undefined ? {} : { until: Date.parse(lost.until) } } : {}),
    };
  }
  const datastores: Record<string, LabDatastore> = {};
  for (const [name, datastore] of Object.entries(data.datastores)) {
    datastore.hosts.forEach((host, index) => {
      if (!hosts[host]) refuse(['datastores', name, 'hosts', String(index)], `there is no host ${host} in this lab.`);
    });
    datastores[name] = { usedByOthersGiB: 0, path: `/srv/${name}`, strays: [], ...datastore };
  }
  const repositories: Record<string, LabRepository> = {};
  for (const [name, packages] of Object.entries(data.repositories ?? {})) {
    repositories[name] = Object.fromEntries(
      Object.entries(packages).map(([key, versions]) => [key, versions.map(asVersion)] as const),
    );
  }
  const uuids = new Map<string, string>();
  const vms = Object.entries(data.vms).map(([name, vm]): LabVm => {
    const uuid = vm.uuid ?? uuidOfName(name);
    const twin = uuids.get(uuid);
    if (twin !== undefined) refuse(['vms', name, 'uuid'], `${twin} has the same uuid; give one of them another.`);
    uuids.set(uuid, name);
    if (!hosts[vm.host]) refuse(['vms', name, 'host'], `there is no host ${vm.host} in this lab.`);
    const disks = vm.disks.map((disk, index) => {
      const datastore = datastores[disk.datastore];
      const path = ['vms', name, 'disks', String(index), 'datastore'];
      if (!datastore) return refuse(path, `there is no datastore ${disk.datastore} in this lab.`);
      if (!datastore.hosts.includes(vm.host)) refuse(path, `${vm.host} does not see the datastore ${disk.datastore}.`);
      const target = disk.target ?? `vd${String.fromCharCode(97 + index)}`;
      return {
        volume: index === 0 ? `${name}.qcow2` : `${name}-${target}.qcow2`,
        format: 'qcow2' as const,
        allocatedGiB: disk.allocatedGiB ?? disk.capacityGiB / 2,
        ...disk,
        target,
      };
    });
    const repository = vm.guest?.repository;
    if (repository !== undefined && !repositories[repository]) {
      refuse(['vms', name, 'guest', 'repository'], `there is no repository ${repository} in this lab.`);
    }
    const nics = (vm.nics ?? [{ network: 'default' }]).map((nic, index) => ({
      mac: macOf(uuid, index),
      model: 'virtio',
      ...nic,
    }));
    const guest = asGuest(vm.guest ?? {});
    const { readyAt, snapshots, ...rest } = vm;
    return {
      state: 'shutoff',
      vcpus: 1,
      cpu: 'x86-64-v2',
      dirtyMiBps: 20,
      frozen: false,
      ...rest,
      name,
      uuid,
      disks,
      nics,
      guest,
      readyAt: readyAt === undefined ? 0 : Date.parse(readyAt),
      snapshots: (snapshots ?? []).map(
        ({ createdAt, guest: then, ...snapshot }): LabSnapshot => ({
          memory: false,
          state: 'shutoff',
          sizeGiB: 0.125,
          datastore: disks[0]?.datastore ?? '',
          ...snapshot,
          createdAt: Date.parse(createdAt),
          guest: then ? asGuest(then) : guest,
        }),
      ),
    };
  });
  const proxies: Record<string, LabProxy> = {};
  for (const [name, proxy] of Object.entries(data.proxies ?? {})) {
    const files = Object.entries(proxy.files ?? {}).map(([path, { image, ...file }]) => [
      path,
      image ? { ...file, image: { ...image, guest: asGuest(image.guest) } } : file,
    ]);
    proxies[name] = { capacityGiB: proxy.capacityGiB, files: Object.fromEntries(files) };
  }
  for (const [name, host] of Object.entries(hosts)) {
    const used = vms.reduce((sum, vm) => (vm.host === name && vm.state === 'running' ? sum + vm.memoryMiB : sum), 0);
    if (used > host.memoryMiB) {
      refuse(['hosts', name, 'memoryMiB'], `its running VMs need ${used} MiB; give it more memory or fewer VMs.`);
    }
  }
  return {
    revision: data.revision ?? 0,
    clock,
    hosts,
    datastores,
    repositories,
    vms,
    proxies,
    ...(data.locks && { locks: data.locks }),
    faults: data.faults ?? [],
  };
}

function asVersion(version: Static<typeof VersionSchema>): LabPackageVersion {
  return typeof version === 'string' ? { version } : version;
}

function asGuest(guest: Static<typeof GuestSchema>): LabGuest {
  return {
    os: 'debian-12',
    agent: 'none',
    ssh: guest.address !== undefined,
    bootSeconds: 8,
    shutdownSeconds: 3,
    ignoresShutdown: false,
    files: {},
    services: {},
    ...guest,
    packages: Object.fromEntries(
      Object.entries(guest.packages ?? {}).map(([name, entry]) => [
        name,
        typeof entry === 'string' ? { version: entry, status: 'installed' as const } : entry,
      ]),
    ),
    listens: (guest.listens ?? []).map(({ http, ...listener }) =>
      http
        ? {
            ...listener,
            http: Object.fromEntries(Object.entries(http).map(([path, answer]) => [path, { body: '', ...answer }])),
          }
        : listener,
    ),
  };
}

/** The lab as JSON that `parseLabFile` reads back to the same records. */
export function serializeLab(records: LabRecords): string {
  const time = (ms: number): string => new Date(ms).toISOString();
  const data: LabFileData = {
    version: 1,
    revision: records.revision,
    clock: time(records.clock),
    hosts: Object.fromEntries(
      Object.entries(records.hosts).map(([name, { lost, ...host }]) => [
        name,
        lost ? { ...host, lost: lost.until === undefined ? {} : { until: time(lost.until) } } : host,
      ]),
    ),
    datastores: records.datastores,
    repositories: records.repositories,
    vms: Object.fromEntries(
      records.vms.map(({ name, readyAt, snapshots, ...vm }) => [
        name,
        {
          ...vm,
          ...(readyAt > records.clock ? { readyAt: time(readyAt) } : {}),
          ...(snapshots.length > 0
            ? {
                snapshots: snapshots.map(({ createdAt, ...snapshot }) => ({ ...snapshot, createdAt: time(createdAt) })),
              }
            : {}),
        },
      ]),
    ),
    proxies: records.proxies,
    ...(records.locks && Object.keys(records.locks).length > 0 && { locks: records.locks }),
    faults: records.faults,
  };
  return `${JSON.stringify(data, undefined, 2)}\n`;
}
