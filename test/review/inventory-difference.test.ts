import { expect, test } from 'vitest';
import { parseInventory } from '../../src/inventory/file';
import { inventoryDifferences } from '../../src/review/inventory-difference';
import type { Difference } from '../../src/review/model';
import { told } from './two-runbooks';

function differences(base: string | undefined, head: string | undefined): Difference[] {
  const [one, other] = [base, head].map(text => (text === undefined ? undefined : parseInventory(text)));
  const place = (parsed: typeof one) => (pointer: string) => {
    const range = parsed?.source.wholeRange(pointer);
    const line = range && parsed!.source.text.slice(0, range.start).split('\n').length;
    return line === undefined ? undefined : { path: 'a.inventory.yaml', line, endLine: line };
  };
  return inventoryDifferences(one?.inventory, other?.inventory, { base: place(one), head: place(other) });
}

const inventory = (lines: string): string =>
  `version: 1\nconnections:\n  hv1: { type: libvirt, uri: "qemu+ssh://root@hv1/system" }\n${lines}`;

test('members of groups and tags by name, in whatever order', () => {
  const found = differences(
    inventory('groups:\n  web: { vms: [web1, web2, web3] }\nvms:\n  web1: { tags: [a, b] }'),
    inventory('groups:\n  web: { vms: [web4, web3, web1] }\nvms:\n  web1: { tags: [b, a] }'),
  );
  expect(told(found)).toEqual(['Group web: vms added web4, removed web2']);
  expect(found[0]).toMatchObject({ kind: 'group', field: 'groups.web.vms', base: { line: 5 }, head: { line: 5 } });
});

test('what is new and what is gone', () => {
  expect(
    told(
      differences(
        inventory('vms: { web1: { owner: shop } }'),
        inventory('proxies: { b: { ssh: local, directory: /srv } }'),
      ),
    ),
  ).toEqual(['Proxy b added: {"ssh":"local","directory":"/srv"}', 'VM web1 removed: {"owner":"shop"}']);
});

test('a connection without locks is riskier', () => {
  const locks = (value: string): string => inventory('').replace('system" }', `system", locks: ${value} }`);
  expect(told(differences(inventory(''), locks('none')))).toEqual(['Connection hv1: locks added: none [riskier]']);
  expect(told(differences(locks('none'), locks('/var/locks')))).toEqual([
    'Connection hv1: locks none → /var/locks [safer]',
  ]);
  expect(told(differences(locks('/a'), locks('/b')))).toEqual(['Connection hv1: locks /a → /b']);
});

test('names with dots and slashes', () => {
  const found = differences(
    inventory('vms: { "a/b.example": { owner: x } }'),
    inventory('vms: { "a/b.example": { owner: y } }'),
  );
  expect(found).toMatchObject([{ field: 'vms.a/b.example.owner', head: { line: 4 } }]);
});

test('a new inventory is all added, a deleted one all removed', () => {
  expect(differences(undefined, inventory('')).map(({ change }) => change)).toEqual(['added']);
  expect(differences(inventory(''), undefined).map(({ change }) => change)).toEqual(['removed']);
});
