import type { Plan } from '../engine/plan';
import { plannedActions } from '../engine/planned-steps';
import { SimulatedLab } from '../hypervisors/simulated/lab';
import { type LabRecords, serializeLab } from '../hypervisors/simulated/lab-file';
import type { LabGuest, LabVm } from '../hypervisors/simulated/state';

/** A captured lab with what the plan expects in guests that nobody has looked into. Changes `records`. */
export function plannedLab(records: LabRecords, plan: Plan): SimulatedLab {
  records.faults = [];
  for (const step of plannedActions([...plan.steps, ...(plan.finally ?? [])])) {
    const { vm: name } = step.inputs;
    const vm = records.vms.find(one => one.name === name || one.uuid === name);
    if (vm?.guest.otherCommands !== 'succeed') continue;
    const guest = expected(vm, step.uses, step.inputs, records);
    vm.guest = guest;
    vm.snapshots = vm.snapshots.map(snapshot => ({ ...snapshot, guest }));
  }
  return SimulatedLab.parse(serializeLab(records));
}

function expected(vm: LabVm, uses: string, inputs: Record<string, unknown>, records: LabRecords): LabGuest {
  const guest = structuredClone(vm.guest);
  const services = strings(inputs.systemd);
  for (const service of services) guest.services[service] = 'active';
  const port = field(inputs.tcp, 'port');
  if (typeof port === 'number') listen(guest, port);
  const url = field(inputs.http, 'url');
  if (typeof url === 'string' && URL.canParse(url)) {
    const { hostname, port: given, pathname, protocol } = new URL(url);
    if (hostname !== vm.name) guest.address = hostname;
    const status = field(inputs.http, 'status');
    const contains = field(inputs.http, 'contains');
    const listener = listen(guest, given === '' ? (protocol === 'https:' ? 443 : 80) : Number(given));
    listener.http = {
      ...listener.http,
      [pathname]: {
        status: typeof status === 'number' ? status : 200,
        body: typeof contains === 'string' ? contains : '',
      },
    };
  }
  if (uses === 'guest.patch') {
    guest.repository = 'captured';
    records.repositories.captured ??= {};
    const packages = strings(inputs.packages);
    for (const name of packages.length > 0 ? packages : ['some-package']) {
      guest.packages[name] ??= { version: '1', status: 'installed' };
      records.repositories.captured[name] = [{ version: '1' }, { version: '2' }];
    }
  }
  return guest;
}

function listen(guest: LabGuest, port: number): LabGuest['listens'][number] {
  const found = guest.listens.find(one => one.port === port);
  if (found) return found;
  const made = { port };
  guest.listens.push(made);
  return made;
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter(one => typeof one === 'string') : [];
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
