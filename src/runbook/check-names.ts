import type { KnownNames } from './check-context';
import { nearest } from './did-you-mean';
import type { RuleCode } from './rules';

export interface NameProblem {
  code: RuleCode;
  message: string;
  suggestions: string[];
}

const kinds = {
  vm: { code: 'unknown-vm', text: 'VM', tags: 'vmTags', list: 'vms' },
  host: { code: 'unknown-host', text: 'host', tags: 'hostTags', list: 'hosts' },
  proxy: { code: 'unknown-proxy', text: 'proxy', tags: undefined, list: 'proxies' },
  datastore: { code: 'unknown-datastore', text: 'datastore', tags: undefined, list: 'datastores' },
} as const;
export type NameKind = keyof typeof kinds;

export function isNameKind(text: string | undefined): text is NameKind {
  return text !== undefined && Object.hasOwn(kinds, text);
}

/** Says when a name is known not to exist. With `selectors`, `group:NAME` and `tag:NAME` may stand for names. */
export function checkName(
  kind: NameKind,
  name: string,
  known: KnownNames | undefined,
  selectors: boolean,
): NameProblem | undefined {
  if (!known || name === '') return undefined;
  const { code, text, tags, list } = kinds[kind];
  // A VM may be named by its identity as well.
  if (kind === 'vm' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(name)) return undefined;
  if (selectors && name.startsWith('group:'))
    return missing('unknown-group', 'group', name.slice(6), known.groups, 'group:');
  if (selectors && name.startsWith('tag:'))
    return missing('unknown-tag', `${text} with the tag`, name.slice(4), tags && known[tags], 'tag:');
  return missing(code, text, name, known[list], '');
}

function missing(
  code: RuleCode,
  text: string,
  name: string,
  names: ReadonlySet<string> | undefined,
  prefix: string,
): NameProblem | undefined {
  if (!names || names.has(name)) return undefined;
  const suggestions = nearest(name, names).map(found => prefix + found);
  const hint =
    suggestions.length > 0
      ? `Did you mean ${suggestions.map(found => `\`${found}\``).join(' or ')}?`
      : names.size === 0
        ? 'There are none.'
        : 'Add it, or correct the name.';
  return { code, message: `The inventory has no ${text} \`${name}\`. ${hint}`, suggestions };
}
