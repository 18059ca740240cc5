import { describe, expect, test } from 'vitest';
import { parseInventory } from '../../src/inventory/file';
import { marked } from '../runbook/marked';

const check = (text: string) => marked(text, parseInventory(text).diagnostics);

describe('inventory file', () => {
  test('everything in its place', () => {
    const text = `version: 1
connections:
  hv1: { type: libvirt, uri: "qemu+ssh://root@hv1:2222/system", sshConfig: ./ssh_config, tags: [edge] }
  here: { type: libvirt, uri: "qemu:///system" }
  lab: { type: simulated, lab: ./a.lab.yaml }
groups:
  web: { hosts: [hv1], vms: [web1] }
proxies:
  b: { ssh: root@backup1, directory: /srv, transport: relay }
vms:
  web1: { owner: shop, tags: [web], ssh: root@192.0.2.1, address: 192.0.2.1 }
`;
    const { inventory, diagnostics } = parseInventory(text);
    expect(diagnostics).toEqual([]);
    expect(inventory).toEqual({
      version: 1,
      connections: {
        hv1: { type: 'libvirt', uri: 'qemu+ssh://root@hv1:2222/system', sshConfig: './ssh_config', tags: ['edge'] },
        here: { type: 'libvirt', uri: 'qemu:///system' },
        lab: { type: 'simulated', lab: './a.lab.yaml' },
      },
      groups: { web: { hosts: ['hv1'], vms: ['web1'] } },
      proxies: { b: { ssh: 'root@backup1', directory: '/srv', transport: 'relay' } },
      vms: { web1: { owner: 'shop', tags: ['web'], ssh: 'root@192.0.2.1', address: '192.0.2.1' } },
    });
  });
  test('mistakes', () => {
    expect(
      check(
        'version: 1\nconnections:\n  a: { type: libvrt, uri: "qemu:///system" }\n  b: { type: libvirt, url: "qemu:///system" }\n  c: { type: libvirt, uri: "ssh://host" }\n  d: { uri: "qemu:///system" }\n  e: { type: simulated }\nproxies:\n  p: { ssh: root@a }\nvm: {}',
      ),
    ).toMatchInlineSnapshot(`
      "version: 1
      connections:
        a: { type: libvrt, uri: "qemu:///system" }
                   ^^^^^^ wrong-value: There is no type \`libvrt\`. Did you mean \`libvirt\`?
        b: { type: libvirt, url: "qemu:///system" }
                            ^^^ unknown-key: \`b\` has no key \`url\`. Did you mean \`uri\`?
        c: { type: libvirt, uri: "ssh://host" }
                                 ^^^^^^^^^^^^ wrong-value: \`uri\` must be a libvirt URI such as \`qemu+ssh://root@host/system\`, not \`ssh://host\`.
        d: { uri: "qemu:///system" }
        ^ missing-key: \`type\` must be \`libvirt\` or \`simulated\`.
        e: { type: simulated }
        ^ missing-key: \`e\` needs \`lab\`. Lab file, relative to this file. Its state lives there and changes as runs change it.
      proxies:
        p: { ssh: root@a }
        ^ missing-key: \`p\` needs \`directory\`. Folder on the proxy under which backups live.
      vm: {}
      ^^ unknown-key: There is no key \`vm\`. Did you mean \`vms\`?"
    `);
  });
  test('a host in a group that is no connection', () => {
    expect(
      check(
        'version: 1\nconnections:\n  hv1: { type: libvirt, uri: "qemu:///system" }\ngroups:\n  edge: { hosts: [hv1, hv11] }',
      ),
    ).toMatchInlineSnapshot(`
      "version: 1
      connections:
        hv1: { type: libvirt, uri: "qemu:///system" }
      groups:
        edge: { hosts: [hv1, hv11] }
                             ^^^^ unknown-host: There is no connection \`hv11\`. Did you mean \`hv1\`?"
    `);
  });
  test('a mistake can be suppressed, and is an error no less', () => {
    const text =
      'version: 1\nconnections:\n  hv1: { type: libvirt, uri: "qemu:///system", x: 1 } # virtbook-ignore: unknown-key';
    expect(parseInventory(text).diagnostics).toEqual([]);
  });
  test('a simulated connection may show some hosts of its lab only', () => {
    const { inventory, diagnostics } = parseInventory(
      'version: 1\nconnections:\n  west: { type: simulated, lab: ./a.lab.yaml, hosts: [hv1] }',
    );
    expect(diagnostics).toEqual([]);
    expect(inventory?.connections).toEqual({ west: { type: 'simulated', lab: './a.lab.yaml', hosts: ['hv1'] } });
  });
  test('empty', () => {
    expect(parseInventory('').diagnostics.map(item => item.code)).toEqual(['empty-file']);
  });
});
