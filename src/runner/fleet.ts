import { resolve } from 'node:path';
import { HypervisorError } from '../hypervisors/errors';
import type { BackupProxy, Exec, Hypervisor, Reach, VmInfo } from '../hypervisors/ports';
import type { SimulatedLab } from '../hypervisors/simulated/lab';
import type { Fleet, VmLocation } from '../inventory/fleet';
import type { ConnectionDefinition, Inventory } from '../inventory/model';
import type { SshConnections, SshPrompts } from '../ssh/contract';
import { guestOverSsh } from './guest-ssh';
import { localReach } from './reach';

export interface FleetOptions {
  inventory: Inventory;
  /** Folder of the inventory file. */
  baseDir: string;
  prompts?: SshPrompts;
}

/** Opens an inventory. Hypervisors and SSH are loaded, and connections opened, on first use. */
export function openFleet(options: FleetOptions): Fleet {
  return new LiveFleet(options);
}

class LiveFleet implements Fleet {
  readonly connections: string[];
  readonly reach: Reach;
  readonly #open = new Map<string, Promise<Hypervisor>>();
  readonly #ssh = new Map<string, Promise<SshConnections>>();
  readonly #labs = new Map<string, Promise<SimulatedLab>>();
  /** Connection on which a VM was last seen, by name and by uuid. */
  readonly #places = new Map<string, string>();
  readonly #inventory: Inventory;
  #closed = false;

  constructor(private readonly options: FleetOptions) {
    this.#inventory = options.inventory;
    this.connections = Object.keys(options.inventory.connections);
    const simulated = Object.values(options.inventory.connections).filter(one => one.type === 'simulated');
    const only = simulated.length === this.connections.length ? simulated[0] : undefined;
    this.reach = only ? this.#simulatedReach(only.lab) : localReach;
  }

  hypervisor(connection: string): Promise<Hypervisor> {
    const open = this.#open.get(connection);
    if (open) return open;
    const opening = this.#connect(connection);
    this.#open.set(connection, opening);
    // One that failed or was lost is opened anew by whoever needs it next.
    const forget = (): void => {
      if (this.#open.get(connection) === opening) this.#open.delete(connection);
    };
    opening.then(hypervisor => {
      void hypervisor.events?.subscribe(event => {
        if (event.type === 'closed') forget();
      });
    }, forget);
    return opening;
  }

  async #connect(connection: string): Promise<Hypervisor> {
    if (this.#closed) throw new HypervisorError('cancelled', 'The connections of this run are closed already.');
    const definition = this.#definition(connection);
    if (definition.type === 'simulated') {
      const [{ connectSimulated }, lab] = await Promise.all([
        import('../hypervisors/simulated/connection'),
        this.#lab(definition.lab),
      ]);
      return connectSimulated(lab, connection, definition.hosts ? { hosts: definition.hosts } : {});
    }
    const [{ connectLibvirt }, ssh] = await Promise.all([
      import('../hypervisors/libvirt/connect'),
      this.#sshOf(definition.sshConfig),
    ]);
    return connectLibvirt(connection, definition, { baseDir: this.options.baseDir, ssh: () => ssh });
  }

  #definition(connection: string): ConnectionDefinition {
    const { connections } = this.#inventory;
    const definition = Object.hasOwn(connections, connection) ? connections[connection] : undefined;
    if (definition) return definition;
    throw new HypervisorError(
      'not-found',
      `The inventory has no connection ${connection}. It has ${this.connections.join(', ') || 'none'}.`,
      { connection },
    );
  }

  async host(name: string): Promise<Hypervisor> {
    const { connections } = this.#inventory;
    if (Object.hasOwn(connections, name) && connections[name]?.type === 'libvirt') return this.hypervisor(name);
    const { found, silent } = await this.#everywhere(async hypervisor =>
      (await hypervisor.state()).hosts.some(host => host.name === name) ? true : undefined,
    );
    const [first] = found;
    if (first) return first.hypervisor;
    throw this.#missing('host', name, silent);
  }

  async locate(vm: string): Promise<VmLocation> {
    const place = this.#places.get(vm);
    if (place !== undefined) {
      // Its last place is asked first; if that place does not answer, the VM may well be elsewhere.
      const hypervisor = await this.hypervisor(place).catch(() => undefined);
      const info = await hypervisor?.vm(vm).catch(() => undefined);
      // One that is off may be what a migration left behind, while it runs elsewhere.
      if (hypervisor && info && info.state === 'running') return this.#seen(hypervisor, info);
    }
    const { found, silent } = await this.#everywhere(hypervisor => hypervisor.vm(vm));
    const running = found.filter(({ value }) => value.state === 'running');
    if (running.length > 1 || (running.length === 0 && found.length > 1)) {
      const where = found.map(({ value }) => `${value.host} (${value.state}, ${value.uuid})`).join(' and ');
      throw new HypervisorError(
        'refused',
        `There is more than one VM ${vm}: on ${where}. Name it by its uuid, or remove the one that should not be.`,
        { vm },
      );
    }
    const one = running[0] ?? found[0];
    if (one) return this.#seen(one.hypervisor, one.value);
    throw this.#missing('VM', vm, silent);
  }

  #seen(hypervisor: Hypervisor, vm: VmInfo): VmLocation {
    this.#places.set(vm.name, hypervisor.connection);
    this.#places.set(vm.uuid, hypervisor.connection);
    return { hypervisor, host: vm.host, vm };
  }

  /** Asks all connections at once. */
  async #everywhere<T>(
    ask: (hypervisor: Hypervisor) => Promise<T | undefined>,
  ): Promise<{ found: { hypervisor: Hypervisor; value: T }[]; silent: string[] }> {
    const found: { hypervisor: Hypervisor; value: T }[] = [];
    const silent: string[] = [];
    await Promise.all(
      this.connections.map(async connection => {
        try {
          const hypervisor = await this.hypervisor(connection);
          const value = await ask(hypervisor);
          if (value !== undefined) found.push({ hypervisor, value });
        } catch (error) {
          silent.push(error instanceof Error ? error.message : String(error));
        }
      }),
    );
    return { found, silent };
  }

  #missing(what: 'VM' | 'host', name: string, silent: string[]): HypervisorError {
    const details = { ...(what === 'VM' ? { vm: name } : { host: name }), outcomeUnknown: false };
    if (silent.length === 0) {
      const where = this.connections.join(', ') || 'no connection, because the inventory names none';
      return new HypervisorError('not-found', `There is no ${what} ${name} on ${where}. Correct the name.`, details);
    }
    return new HypervisorError(
      'unreachable',
      `The ${what} ${name} was not found where it could be looked for. ${silent.join(' ')}`,
      details,
    );
  }

  async proxy(name: string): Promise<BackupProxy> {
    const { proxies } = this.#inventory;
    const definition = Object.hasOwn(proxies, name) ? proxies[name] : undefined;
    if (!definition) {
      const has = Object.keys(proxies).join(', ') || 'none';
      throw new HypervisorError('not-found', `The inventory has no proxy ${name}. It has ${has}.`);
    }
    if (definition.ssh === 'simulated') {
      const lab = this.#anyLab();
      if (!lab) {
        throw new HypervisorError(
          'refused',
          `The proxy ${name} is simulated, but the inventory has no simulated connection.`,
        );
      }
      const { simulatedProxy } = await import('../hypervisors/simulated/proxy');
      const transport = definition.transport === 'relay' ? 'unix' : 'tcp';
      return simulatedProxy(await this.#lab(lab), name, definition.directory, transport);
    }
    const { openProxy } = await import('../hypervisors/proxy/open-proxy');
    return openProxy(name, definition, { ssh: await this.#sshOf(definition.sshConfig) });
  }

  async guest(vm: string, via: 'auto' | 'agent' | 'ssh'): Promise<Exec> {
    // By SSH, what the inventory says is all there is to know: no hypervisor need be asked.
    if (via === 'ssh' && this.#anyLab() === undefined && Object.hasOwn(this.#inventory.vms, vm)) {
      const definition = this.#inventory.vms[vm];
      if (definition?.ssh !== undefined)
        return guestOverSsh(await this.#sshOf(definition.sshConfig), definition.ssh, vm);
    }
    const location = await this.locate(vm);
    const target = this.#vmDefinition(location.vm)?.ssh;
    const lab = this.#labOf(location.hypervisor);
    const agent = location.hypervisor.guestAgent;
    const hasAgent = agent !== undefined && location.vm.agent !== 'none' && location.vm.agent !== 'disconnected';
    if (via === 'agent' || (via === 'auto' && hasAgent)) {
      if (!agent) {
        throw new HypervisorError('unsupported', `${location.hypervisor.connection} can't talk to guest agents.`, {
          vm,
        });
      }
      return { exec: (argv, options) => agent.exec(location.vm.uuid, argv, options) };
    }
    if (lab !== undefined) {
      const { simulatedSsh } = await import('../hypervisors/simulated/guest-access');
      return simulatedSsh(await this.#lab(lab), location.vm.name);
    }
    if (target === undefined) {
      const why = via === 'ssh' ? '' : `Its agent is ${location.vm.agent}, and `;
      throw new HypervisorError(
        'refused',
        `${why}${why ? 'the' : 'The'} inventory does not say how ${location.vm.name} is reached over SSH. Add \`vms: { ${location.vm.name}: { ssh: user@address } }\` to it.`,
        { vm: location.vm.name },
      );
    }
    const ssh = await this.#sshOf(this.#vmDefinition(location.vm)?.sshConfig);
    return guestOverSsh(ssh, target, location.vm.name);
  }

  async address(vm: string): Promise<string | undefined> {
    const own = Object.hasOwn(this.#inventory.vms, vm) ? this.#inventory.vms[vm] : undefined;
    const location = own ? undefined : await this.locate(vm).catch(() => undefined);
    const definition = own ?? (location && this.#vmDefinition(location.vm));
    if (definition?.address !== undefined) return definition.address;
    const lab = location ? this.#labOf(location.hypervisor) : this.#anyLab();
    if (lab !== undefined) {
      const address = (await this.#lab(lab)).find(vm)?.guest.address;
      if (address !== undefined) return address;
    }
    // Without its user and port; a Host of the SSH configuration need not be a name that can be reached otherwise.
    return definition?.ssh
      ?.replace(/^.*@/, '')
      .replace(/^\[(.*)\](:\d+)?$/, '$1')
      .replace(/^([^:]+):\d+$/, '$1');
  }

  #vmDefinition(vm: VmInfo): Inventory['vms'][string] | undefined {
    const { vms } = this.#inventory;
    if (Object.hasOwn(vms, vm.name)) return vms[vm.name];
    return Object.hasOwn(vms, vm.uuid) ? vms[vm.uuid] : undefined;
  }

  #labOf(hypervisor: Hypervisor): string | undefined {
    const definition = this.#inventory.connections[hypervisor.connection];
    return definition?.type === 'simulated' ? definition.lab : undefined;
  }

  #anyLab(): string | undefined {
    for (const definition of Object.values(this.#inventory.connections)) {
      if (definition.type === 'simulated') return definition.lab;
    }
    return undefined;
  }

  #lab(lab: string): Promise<SimulatedLab> {
    const open =
      this.#labs.get(lab) ?? import('./simulated-labs').then(({ openLab }) => openLab(this.options.baseDir, lab));
    this.#labs.set(lab, open);
    return open;
  }

  #simulatedReach(lab: string): Reach {
    const reach = async (): Promise<Reach> => {
      const { simulatedReach } = await import('../hypervisors/simulated/guest-access');
      return simulatedReach(await this.#lab(lab));
    };
    return {
      tcp: async (host, port, options) => (await reach()).tcp(host, port, options),
      http: async (url, options) => (await reach()).http(url, options),
    };
  }

  #sshOf(configFile: string | undefined): Promise<SshConnections> {
    const file = configFile === undefined ? undefined : resolve(this.options.baseDir, configFile);
    const key = file ?? '';
    const open =
      this.#ssh.get(key) ??
      import('../ssh/pool').then(
        ({ SshPool }) => new SshPool({ ...this.options.prompts, ...(file !== undefined && { configFile: file }) }),
      );
    this.#ssh.set(key, open);
    return open;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const open = [...this.#open.values()];
    const ssh = [...this.#ssh.values()];
    this.#open.clear();
    this.#ssh.clear();
    await Promise.allSettled(open.map(async opening => (await opening).close()));
    await Promise.allSettled(ssh.map(async opening => (await opening).close()));
  }
}
