import type { Inventory } from '../inventory/model';
import type { ReviewedFile, SuggestedReviewer } from './model';

/**
 * Who is to be asked about what: the file `.virtbook/OWNERS`, as it is at the base of a change.
 *
 *     # what            who
 *     vm:*              @ops
 *     group:web         @org/web-team @alice
 *     tag:production    @oncall
 *     host:hv*          @platform
 *     datastore:ssd     @storage
 *     path:prod/**      @release
 *
 * Each line says what it is about and who is asked: names with `@`, or addresses of mail. In names `*` stands for any characters; in
 * paths `*` for those of one folder or file, `**` for any. As in CODEOWNERS, of several lines that fit one thing the last one counts, so
 * general lines come first; a line without anybody says that nobody is asked. A VM is looked for by its own name, and by those of its groups
 * and tags; a host by its name, and by the groups and tags of it and its connection.
 */
export interface Owners {
  rules: OwnerRule[];
}

export interface OwnerRule {
  kind: OwnerKind;
  pattern: string;
  teams: string[];
}

const ownerKinds = ['group', 'tag', 'vm', 'host', 'datastore', 'proxy', 'path'] as const;
export type OwnerKind = (typeof ownerKinds)[number];

/** Reads the file. Lines that can't be understood are left out, and told as problems. */
export function parseOwners(text: string): { owners: Owners; problems: string[] } {
  const rules: OwnerRule[] = [];
  const problems: string[] = [];
  text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .forEach((line, at) => {
      const [selector, ...words] = line
        .replace(/(^|\s)#.*$/, '')
        .split(/\s+/)
        .filter(Boolean);
      if (selector === undefined) return;
      const colon = selector.indexOf(':');
      const kind = ownerKinds.find(name => name === selector.slice(0, Math.max(0, colon)));
      const pattern = selector.slice(colon + 1);
      const where = `.virtbook/OWNERS:${at + 1}`;
      if (!kind || pattern === '') {
        const wanted = ownerKinds.map(name => `\`${name}:\``).join(', ');
        problems.push(
          `${where}: \`${selector}\` says not what is owned, so the line is not used. Begin it with ${wanted} and a name.`,
        );
        return;
      }
      const teams = words.filter(word => /^@[^@\s]+$|^[^@\s]+@[^@\s]+$/.test(word));
      const strange = words.filter(word => !teams.includes(word));
      if (strange.length > 0) {
        const names = strange.map(word => `\`${word}\``).join(', ');
        problems.push(
          `${where}: ${names} can't be asked. Write \`@name\`, \`@organisation/team\` or an address of mail.`,
        );
        if (teams.length === 0) return;
      }
      rules.push({ kind, pattern, teams: [...new Set(teams)] });
    });
  return { owners: { rules }, problems };
}

/** A VM, host, datastore, proxy or file that a change is about, with the names that it is looked for by. */
interface Owned {
  name: string;
  /** By kind of rule. */
  names: Partial<Record<OwnerKind, readonly string[]>>;
}

/**
 * Who is to be asked about changed files: by their paths, and by what runbooks that do something else now act on; and by what changed in
 * inventories. Sorted by name.
 */
export function suggestReviewers(
  owners: Owners,
  files: readonly ReviewedFile[],
  inventories: readonly Inventory[],
): SuggestedReviewer[] {
  const matchers = owners.rules.map(rule => ({ rule, matches: glob(rule.pattern, rule.kind === 'path') }));
  const asked = new Map<string, Map<string, Set<string>>>();
  for (const { name, names } of ownedBy(files, inventories)) {
    const last = matchers.findLast(({ rule, matches }) => names[rule.kind]?.some(matches));
    for (const team of last?.rule.teams ?? []) {
      const selector = `${last!.rule.kind}:${last!.rule.pattern}`;
      const selectors = asked.get(team) ?? new Map<string, Set<string>>();
      asked.set(team, selectors.set(selector, (selectors.get(selector) ?? new Set()).add(name)));
    }
  }
  return [...asked]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([team, selectors]) => ({
      team,
      because: [...selectors]
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([rule, names]) => reason(rule, [...names].sort())),
    }));
}

const mostNames = 5;

function reason(selector: string, names: readonly string[]): string {
  if (names.length === 1 && selector.endsWith(`:${names[0]}`)) return selector;
  const more = names.length > mostNames ? ` and ${names.length - mostNames} more` : '';
  return `${selector} (${names.slice(0, mostNames).join(', ')}${more})`;
}

function ownedBy(files: readonly ReviewedFile[], inventories: readonly Inventory[]): Owned[] {
  const lookUp = new InventoryNames(inventories);
  const found = new Map<string, Owned>();
  const add = (kind: string, owned: Owned): void => void found.set(`${kind} ${owned.name}`, owned);
  for (const file of files) {
    if (file.change !== 'affected') {
      const paths = file.basePath === undefined ? [file.path] : [file.path, file.basePath];
      add('path', { name: file.path, names: { path: paths } });
    }
    if (file.kind === 'inventory') for (const owned of lookUp.changedIn(file.differences)) add(owned.kind, owned);
    if (file.kind !== 'runbook' || (file.plan.same && file.differences.length === 0)) continue;
    // Of a deleted one, what it acted on.
    const namesOf = (list: { added: string[]; removed: string[]; kept: string[] }): string[] =>
      file.change === 'deleted' ? list.removed : [...list.added, ...list.kept];
    for (const name of namesOf(file.plan.vms)) add('vm', lookUp.vm(name));
    for (const name of namesOf(file.plan.hosts)) add('host', lookUp.host(name));
    for (const name of namesOf(file.plan.datastores)) add('datastore', { name, names: { datastore: [name] } });
    for (const name of namesOf(file.plan.proxies)) add('proxy', { name, names: { proxy: [name] } });
  }
  return [...found.values()];
}

/** Groups and tags of VMs and hosts, in all inventories together. */
class InventoryNames {
  readonly #vmGroups = new Map<string, string[]>();
  readonly #hostGroups = new Map<string, string[]>();
  readonly #vmTags = new Map<string, string[]>();
  readonly #hostTags = new Map<string, string[]>();
  /** `vms.web1` and the like, as fields of differences begin. */
  readonly #entries = new Map<string, Owned & { kind: string }>();

  constructor(inventories: readonly Inventory[]) {
    for (const { groups, vms, connections, proxies } of inventories) {
      for (const [group, { vms: inside = [], hosts = [] }] of Object.entries(groups)) {
        for (const vm of inside) put(this.#vmGroups, vm, group);
        for (const host of hosts) put(this.#hostGroups, host, group);
        this.#entries.set(`groups.${group}`, { kind: 'group', name: group, names: { group: [group] } });
      }
      for (const [vm, { tags = [] }] of Object.entries(vms)) for (const tag of tags) put(this.#vmTags, vm, tag);
      for (const [name, connection] of Object.entries(connections)) {
        const shown = connection.type === 'simulated' ? (connection.hosts ?? []) : [];
        for (const host of [name, ...shown]) for (const tag of connection.tags ?? []) put(this.#hostTags, host, tag);
      }
      for (const name of Object.keys(proxies))
        this.#entries.set(`proxies.${name}`, { kind: 'proxy', name, names: { proxy: [name] } });
    }
    for (const { vms, connections } of inventories) {
      for (const name of Object.keys(vms)) this.#entries.set(`vms.${name}`, { kind: 'vm', ...this.vm(name) });
      for (const name of Object.keys(connections))
        this.#entries.set(`connections.${name}`, { kind: 'host', ...this.host(name) });
    }
  }

  vm(name: string): Owned {
    const [group, tag] = [this.#vmGroups.get(name) ?? [], this.#vmTags.get(name) ?? []];
    return { name, names: { vm: [name], group, tag } };
  }

  host(name: string): Owned {
    const [group, tag] = [this.#hostGroups.get(name) ?? [], this.#hostTags.get(name) ?? []];
    return { name, names: { host: [name], group, tag } };
  }

  changedIn(differences: readonly { field?: string }[]): (Owned & { kind: string })[] {
    const found = new Set<Owned & { kind: string }>();
    for (const { field = '' } of differences) {
      // Names may have dots in them.
      for (let end = field.length; end > 0; end = field.lastIndexOf('.', end - 1)) {
        const entry = this.#entries.get(field.slice(0, end));
        if (!entry) continue;
        found.add(entry);
        break;
      }
    }
    return [...found];
  }
}

function put(lists: Map<string, string[]>, key: string, name: string): void {
  if (!lists.get(key)?.push(name)) lists.set(key, [name]);
}

/** `*` is any characters, in paths those of one folder; `**` any. */
function glob(pattern: string, isPath: boolean): (name: string) => boolean {
  const any = isPath ? '[^/]*' : '.*';
  const source = pattern
    .split(/(\*+)/)
    .map(part => (part.startsWith('*') ? (part.length > 1 ? '.*' : any) : part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&')));
  const whole = new RegExp(`^${source.join('')}$`, 's');
  return name => whole.test(name);
}
