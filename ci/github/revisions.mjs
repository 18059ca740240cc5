// Which revisions an event is about.
import { fetchBase, git, parentsOf } from '../revisions.mjs';

const noCommit = /^0+$/;

/**
 * `base` and `head` as `virtbook review` takes them; undefined: as it finds them itself. `wanted`: what the inputs of the action say.
 * @throws when a pull request's base can't be had
 */
export function revisionsOf(eventName, event, folder, wanted) {
  const head = wanted.head || undefined;
  const tip = head ?? 'HEAD';
  if (wanted.base) return { base: fetchBase(folder, wanted.base, tip), head };
  if (eventName === 'pull_request') {
    // The commit that merging would make: against its first parent it shows what merging changes, whatever the base has come to meanwhile.
    const [target, merged, ...others] = head === undefined ? parentsOf(folder, 'HEAD') : [];
    if (merged !== undefined && others.length === 0 && merged === event.pull_request.head.sha) {
      deepen(folder, target);
      return { base: fetchBase(folder, target, tip), head };
    }
    return { base: fetchBase(folder, event.pull_request.base.sha, tip), head };
  }
  if (eventName === 'merge_group') return { base: fetchBase(folder, event.merge_group.base_sha, tip), head };
  if (eventName === 'push' && event.before && !noCommit.test(event.before)) {
    try {
      return { base: fetchBase(folder, event.before, tip), head };
    } catch {
      // After a forced push nobody may have it any more.
    }
  }
  return { base: undefined, head };
}

/** A checkout has one commit, unless it was asked for more: its parents are one request away. */
function deepen(folder, parent) {
  if (git(folder, 'merge-base', parent, 'HEAD') !== undefined) return;
  const commit = git(folder, 'rev-parse', 'HEAD');
  if (commit !== undefined) git(folder, 'fetch', '--quiet', '--no-tags', '--depth=2', '--', 'origin', commit);
}
