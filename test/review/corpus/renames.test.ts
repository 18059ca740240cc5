import { describe, expect, test } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { actions } from '../../../src/actions/catalogue';
import type { EditorConfig } from '../../../src/editor/config';
import { documentKind } from '../../../src/editor/document-kind';
import type { NameKind } from '../../../src/editor/name';
import { namesInDocument } from '../../../src/editor/names-in-document';
import { rename } from '../../../src/editor/rename';
import type { WorkspaceFiles } from '../../../src/editor/workspace-files';
import type { ReviewedRunbook } from '../../../src/review/model';
import { reviewChanges } from '../../../src/review/review';
import type { FileChange } from '../../../src/review/revision';
import { parseRunbook } from '../../../src/runbook/parse';
import { memoryRevision } from './memory-revision';
import { changesBetween, type Files, type Pair, readPairs } from './pair';
import { rehearseHere } from './rehearse-here';

const config: EditorConfig = { actions };
const root = 'file:///w/';

/** Those whose runbooks at the base can be read; each runbook text once. */
const pairs = oncePerText(
  readPairs().filter(
    ({ base, name }) => name !== 'three-hundred-steps' && [...base.values()].every(bytes => !bytes.includes(0)),
  ),
);

function oncePerText(all: readonly Pair[]): Pair[] {
  const seen = new Set<string>();
  return all.filter(({ base }) => {
    const text = JSON.stringify([...base].map(([path, bytes]) => [path, bytes.toString('latin1')]));
    return !seen.has(text) && seen.add(text);
  });
}

interface Renamed {
  head: Files;
  /** `step patch`, `input vms` … */
  names: string[];
}

/** Every name of these kinds is another one, wherever it is used. */
function renamed(files: Files, kinds: readonly NameKind[]): Renamed {
  const names: string[] = [];
  let head = files;
  for (;;) {
    const next = renamedOnce(head, kinds, new Set(names));
    if (!next) return { head, names };
    head = next.head;
    names.push(next.name);
  }
}

/** The first name that is not among those that were tried. */
function renamedOnce(
  files: Files,
  kinds: readonly NameKind[],
  tried: ReadonlySet<string>,
): { head: Files; name: string } | undefined {
  const documents = new Map(
    [...files].map(([path, bytes]) => [path, TextDocument.create(`${root}${path}`, '', 0, bytes.toString('utf8'))]),
  );
  const all = [...documents.values()];
  const resolve = (from: string, path: string) => new URL(path, from).href;
  const workspace: WorkspaceFiles = {
    runbooks: all.filter(document => documentKind(document) === 'runbook'),
    inventories: all.filter(document => documentKind(document) === 'inventory'),
    resolve,
    inventoryOf: uri => {
      const { inventory } = parseRunbook(documents.get(uri.slice(root.length))?.getText() ?? '').draft;
      return inventory === undefined ? undefined : resolve(uri, inventory);
    },
  };
  for (const document of workspace.runbooks) {
    for (const { kind, name, role, range } of namesInDocument(document, config).all) {
      const told = `${document.uri.slice(root.length)} ${kind} ${name}`;
      if (role !== 'definition' || !kinds.includes(kind)) continue;
      if (name.endsWith('Renamed') || tried.has(told)) continue;
      const made = rename(document, range.start, `${name}Renamed`, config, workspace);
      if ('problem' in made) throw new Error(`${told}: ${made.problem}`);
      const head = new Map(files);
      for (const [uri, edits] of Object.entries(made.changes ?? {})) {
        const path = uri.slice(root.length);
        head.set(path, Buffer.from(TextDocument.applyEdits(documents.get(path)!, edits)));
      }
      return { head, name: told };
    }
  }
  return undefined;
}

async function runbooksOf(base: Files, head: Files, changes: FileChange[]): Promise<ReviewedRunbook[]> {
  const { review } = await reviewChanges(
    { base: memoryRevision('one', base), head: memoryRevision('other', head), changes },
    { rehearse: rehearseHere },
  );
  return review.files.filter((file): file is ReviewedRunbook => file.kind === 'runbook');
}

/** What people call things does not matter to hosts and VMs. */
function expectOnlyNames(runbooks: readonly ReviewedRunbook[], what: string): void {
  for (const { plan, rehearsal, differences, problems } of runbooks) {
    const found = {
      sides: [plan.head !== undefined, rehearsal.head !== undefined],
      // Inputs and outputs are known by their names, in the `with` of a call too.
      steps: differences.filter(
        one => one.kind !== 'input' && one.kind !== 'output' && one.field === undefined && one.change !== 'changed',
      ),
      effects: differences.filter(one => one.effect !== 'neutral'),
      touched: [plan.vms, plan.hosts, plan.datastores, plan.proxies].flatMap(({ added, removed }) => [
        ...added,
        ...removed,
      ]),
      noWayBack: [plan.irreversible, plan.pointsOfNoReturn].flatMap(({ added, removed }) => [...added, ...removed]),
      outages: plan.outages,
      points: [...rehearsal.newlyBad, ...rehearsal.noLongerBad].map(point => `${point.step.key} ${point.fault}`),
      problems: [...problems.added, ...problems.removed].map(one => one.message),
    };
    expect(found, what).toEqual({
      sides: [plan.base !== undefined, rehearsal.base !== undefined],
      steps: [],
      effects: [],
      touched: [],
      noWayBack: [],
      outages: [],
      points: [],
      problems: [],
    });
  }
}

describe('a rename is never an outage, a step that comes or goes, or a failure point that does not come back', () => {
  // All names at once would leave little to know the steps by.
  test.each(
    pairs.flatMap(pair => [
      { ...pair, kinds: ['step', 'output'] as const },
      { ...pair, kinds: ['input'] as const },
      { ...pair, kinds: ['variable'] as const },
    ]),
  )('of each $kinds in $name', async ({ base, kinds }) => {
    const { head, names } = renamed(base, kinds);
    if (names.length === 0) return;
    expectOnlyNames(await runbooksOf(base, head, changesBetween(base, head)), names.join(', '));
  });

  test.each(pairs)('of what people read in $name', async ({ base }) => {
    const head = new Map(base);
    for (const [path, bytes] of base) {
      if (!path.endsWith('.runbook.yaml')) continue;
      const text = bytes
        .toString('utf8')
        .replace(/^((?:- | )*name: )(?!>|\|)(.+)$/gm, (_, key: string, name: string) => {
          const plain = name.replaceAll(/^"|"$/g, '');
          return plain === name ? `${key}${name} (renamed)` : `${key}"${plain} (renamed)"`;
        });
      head.set(path, Buffer.from(text));
    }
    const runbooks = await runbooksOf(base, head, changesBetween(base, head));
    expectOnlyNames(runbooks, 'names');
    for (const { plan } of runbooks) expect(plan.same || plan.head === undefined).toBe(true);
  });

  test.each(pairs)('of the files of $name', async ({ base }) => {
    const head = new Map<string, Buffer>();
    const changes: FileChange[] = [];
    for (const [path, bytes] of base) {
      const own = /\.runbook\.yaml$/.test(path);
      // Names of files are written in uses: too.
      const text = bytes.toString('utf8').replace(/^(.*\buses: \.[^ ]*)\.runbook\.yaml/gm, '$1-renamed.runbook.yaml');
      const to = own ? path.replace('.runbook.yaml', '-renamed.runbook.yaml') : path;
      head.set(to, own ? Buffer.from(text) : bytes);
      if (own) changes.push({ status: 'renamed', path: to, basePath: path });
    }
    const runbooks = await runbooksOf(base, head, changes);
    expectOnlyNames(runbooks, 'files');
    for (const { plan, change } of runbooks) {
      expect(change).toBe('renamed');
      expect(plan.same || plan.head === undefined).toBe(true);
    }
  });
});

test('there is something to rename', () => {
  expect(pairs.length).toBeGreaterThan(20);
  expect(
    pairs.flatMap(({ base }) => renamed(base, ['step', 'input', 'output', 'variable']).names).length,
  ).toBeGreaterThan(50);
});
