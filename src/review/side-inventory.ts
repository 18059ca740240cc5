import { messageOf } from '../engine/failure';
import type { SeenConnection } from '../engine/seen';
import { type LabRecords, parseLabFile } from '../hypervisors/simulated/lab-file';
import { type ParsedInventory, parseInventory } from '../inventory/file';
import { namesInLabs, seeLabs } from '../inventory/lab-names';
import type { Inventory } from '../inventory/model';
import { hostsInCapture } from '../rehearsal/places';
import type { ReviewLabs } from './contract';
import type { KnownTargets } from './example-inputs';
import { captureOf, pathFrom } from './repository-path';
import type { FileContent } from './revision';

/** What a side knows of an inventory without connecting to anything. */
export interface SideInventory {
  path: string;
  /** undefined: there is no such file, or it can't be read; `problem` says which. */
  parsed?: ParsedInventory;
  /** Only without errors. */
  inventory?: Inventory;
  problem?: string;
  /** What its connections hold, by their labs or by a capture. */
  shown: SeenConnection[];
  /** Hosts by connection, as far as they are known. */
  hosts?: Record<string, readonly string[]>;
  known: KnownTargets;
  /** What it is rehearsed on. undefined: on nothing; `unrehearsed` says why. */
  labs?: ReviewLabs;
  unrehearsed?: string;
  /** The labs' time, in ms since 1970. */
  clock?: number;
  /** Other files that were looked for: labs and the capture. */
  reads: string[];
}

export interface GivenCapture {
  name: string;
  text: string;
}

type Read = (path: string) => Promise<FileContent>;

/** `capture`: to be used instead of the one beside the inventory. Never throws. */
export async function readSideInventory(path: string, read: Read, capture?: GivenCapture): Promise<SideInventory> {
  const none: SideInventory = { path, shown: [], known: { vms: [], hosts: [] }, reads: [] };
  const content = await read(path);
  if (content.kind !== 'text') {
    const why = content.kind === 'missing' ? 'there is no such file in the repository.' : content.why;
    return { ...none, problem: `The inventory ${path} can't be read: ${why}` };
  }
  const parsed = parseInventory(content.text);
  const { inventory } = parsed;
  if (!inventory) {
    const first = parsed.diagnostics.find(one => one.severity === 'error');
    return { ...none, parsed, problem: `The inventory ${path} has errors: ${first?.message ?? ''}`.trimEnd() };
  }
  const known = { vms: namedVms(inventory), hosts: namedHosts(inventory) };
  const side: SideInventory = { ...none, parsed, inventory, known };
  const simulated = Object.values(inventory.connections).every(one => one.type === 'simulated');
  return simulated && !capture ? overLabs(side, inventory, read) : overCapture(side, inventory, read, capture);
}

/** Every connection is simulated: what there is stands in the labs. */
async function overLabs(side: SideInventory, inventory: Inventory, read: Read): Promise<SideInventory> {
  const texts: Record<string, string> = {};
  const records = new Map<string, LabRecords>();
  const reads: string[] = [];
  let problem: string | undefined;
  for (const { type, ...definition } of Object.values(inventory.connections)) {
    if (type !== 'simulated' || !('lab' in definition) || Object.hasOwn(texts, definition.lab)) continue;
    const path = pathFrom(side.path, definition.lab);
    const content: FileContent = path === undefined ? { kind: 'missing' } : await read(path);
    if (path !== undefined) reads.push(path);
    try {
      if (content.kind !== 'text')
        throw new Error(content.kind === 'missing' ? 'there is no such file in the repository.' : content.why);
      records.set(definition.lab, parseLabFile(content.text, path ?? definition.lab));
      texts[definition.lab] = content.text;
    } catch (error) {
      problem ??= `The simulated lab ${path ?? definition.lab} can't be read: ${messageOf(error)}`;
    }
  }
  if (records.size === 0) problem ??= `${side.path} has no connections, so there is nothing to rehearse on.`;
  if (problem !== undefined) return { ...side, reads, unrehearsed: problem };
  const shown = await seeLabs(inventory, async lab => records.get(lab));
  return {
    ...seen(side, inventory, shown),
    labs: { kind: 'labs', texts },
    reads,
    clock: Math.max(...[...records.values()].map(lab => lab.clock)),
  };
}

/** Nothing is connected to: a capture says what there is. */
async function overCapture(
  side: SideInventory,
  inventory: Inventory,
  read: Read,
  given: GivenCapture | undefined,
): Promise<SideInventory> {
  const beside = captureOf(side.path);
  const reads = given ? [] : [beside];
  const content: FileContent = given ? { kind: 'text', text: given.text } : await read(beside);
  const name = given?.name ?? beside;
  if (content.kind === 'missing') {
    const real = Object.entries(inventory.connections).flatMap(([connection, { type }]) =>
      type === 'simulated' ? [] : [connection],
    );
    const unrehearsed =
      `Nothing connects to ${real.join(', ')}, and there is no ${beside} to rehearse on. ` +
      `Make one with \`virtbook inventory ${side.path} --capture ${beside}\`.`;
    return { ...side, reads, unrehearsed };
  }
  try {
    if (content.kind === 'unreadable') throw new Error(content.why);
    const records = parseLabFile(content.text, name);
    const hosts = hostsInCapture(Object.keys(records.hosts), inventory);
    if (hosts.size === 0) {
      const named = Object.keys(records.hosts).join(', ');
      throw new Error(`its hosts (${named}) belong to no connection of ${side.path}. Capture it anew.`);
    }
    const shown = [...hosts].map(([connection, names]) => ({
      connection,
      hosts: names.map(one => ({ name: one })),
      vms: records.vms.filter(vm => names.includes(vm.host)),
      datastores: [],
    }));
    return {
      ...seen(side, inventory, shown),
      labs: { kind: 'capture', name, text: content.text },
      reads,
      clock: records.clock,
    };
  } catch (error) {
    return { ...side, reads, unrehearsed: `The capture ${name} can't be used: ${messageOf(error)}` };
  }
}

/** Names that something shows come before those that are only written in the inventory: only the former can be rehearsed. */
function seen(side: SideInventory, inventory: Inventory, shown: Awaited<ReturnType<typeof seeLabs>>): SideInventory {
  const { hosts } = namesInLabs(inventory, shown);
  const vms = shown.flatMap(one => one.vms.map(vm => vm.name));
  const names = shown.flatMap(one => one.hosts.map(host => host.name));
  return {
    ...side,
    shown,
    known: {
      vms: vms.length > 0 ? sorted(vms) : side.known.vms,
      hosts: names.length > 0 ? sorted(names) : side.known.hosts,
    },
    ...(hosts && { hosts }),
  };
}

function namedVms({ vms, groups }: Inventory): string[] {
  return sorted([...Object.keys(vms), ...Object.values(groups).flatMap(group => group.vms ?? [])]);
}

function namedHosts({ connections, groups }: Inventory): string[] {
  return sorted([
    ...Object.entries(connections).flatMap(([name, one]) => (one.type === 'libvirt' ? [name] : (one.hosts ?? []))),
    ...Object.values(groups).flatMap(group => group.hosts ?? []),
  ]);
}

function sorted(names: readonly string[]): string[] {
  return [...new Set(names)].sort((left, right) => (left < right ? -1 : 1));
}
