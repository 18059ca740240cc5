import type { RunbookSchema } from '../runbook/schema';

const names: RunbookSchema = { type: 'array', items: { type: 'string' } };
const tags: RunbookSchema = { ...names, description: 'Words to select by: `tag:NAME`.' };
const sshConfig: RunbookSchema = {
  type: 'string',
  description: "An OpenSSH client configuration to use instead of the user's own, relative to this file.",
};

/** The JSON Schema of inventories. Published in `schemas/`; the validator is made from it as well. */
export const inventorySchema: RunbookSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  $id: 'https://virtbook.dev/schemas/inventory.schema.json',
  title: 'Virtbook inventory',
  type: 'object',
  required: ['version', 'connections'],
  additionalProperties: false,
  properties: {
    version: { const: 1, description: 'Version of the inventory format.', rule: 'wrong-version' },
    connections: {
      type: 'object',
      description: 'Hypervisors, each under the name that runbooks use.',
      additionalProperties: { $ref: '#/$defs/connection' },
    },
    groups: {
      type: 'object',
      description: 'Named lists of hosts and VMs, selected as `group:NAME`.',
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        properties: {
          hosts: { ...names, description: 'Hosts of the group.' },
          vms: { ...names, description: 'VMs of the group.' },
        },
      },
    },
    proxies: {
      type: 'object',
      description: 'Machines that move backup data.',
      additionalProperties: {
        type: 'object',
        required: ['ssh', 'directory'],
        additionalProperties: false,
        properties: {
          ssh: {
            type: 'string',
            description:
              'SSH target, e.g. `root@backup1` or a Host of the SSH configuration; `local` for this machine; `simulated`.',
          },
          sshConfig,
          directory: { type: 'string', description: 'Folder on the proxy under which backups live.' },
          transport: {
            enum: ['tcp', 'relay'],
            description:
              "How it reaches a host's export: straight over TCP, or relayed through the runner's SSH connections.",
          },
        },
      },
    },
    vms: {
      type: 'object',
      description: 'What is known of VMs beyond what their hypervisor says. Need not list every VM.',
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        properties: {
          owner: { type: 'string', description: 'Who to ask.' },
          tags,
          ssh: {
            type: 'string',
            description: 'Where the guest is reached by `guest.run` over SSH, e.g. `root@10.0.0.5`.',
          },
          sshConfig,
          address: { type: 'string', description: 'Where checks reach the guest.' },
        },
      },
    },
  },
  $defs: {
    connection: {
      type: 'object',
      required: ['type'],
      discriminator: { propertyName: 'type' },
      oneOf: [{ $ref: '#/$defs/libvirt' }, { $ref: '#/$defs/simulated' }],
    },
    libvirt: {
      type: 'object',
      required: ['type', 'uri'],
      additionalProperties: false,
      properties: {
        type: { const: 'libvirt', description: 'A libvirt host.' },
        uri: {
          type: 'string',
          pattern: '^(qemu|test)(\\+(ssh|unix))?://',
          description: '`qemu+ssh://[user@]host[:port]/system`, `qemu:///system` or `qemu+unix:///system?socket=PATH`.',
          wanted: 'a libvirt URI such as `qemu+ssh://root@host/system`',
        },
        sshConfig,
        locks: {
          type: 'string',
          pattern: '^(none|/.*)$',
          description:
            'Folder on the host where runs keep their locks; `/var/lib/virtbook/locks` when left out. `none`: nobody is kept from its VMs during a run.',
          wanted: 'an absolute path on the host, or `none`',
        },
        tags,
      },
    },
    simulated: {
      type: 'object',
      required: ['type', 'lab'],
      additionalProperties: false,
      properties: {
        type: { const: 'simulated', description: 'A simulated lab: nothing to install, nothing real changes.' },
        lab: {
          type: 'string',
          description: 'Lab file, relative to this file. Its state lives there and changes as runs change it.',
        },
        hosts: { ...names, description: 'Hosts of the lab that this connection shows; all of them when left out.' },
        tags,
      },
    },
  },
};
