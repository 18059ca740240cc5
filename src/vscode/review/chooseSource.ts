import * as vscode from 'vscode';
import { documentKind } from '../../editor/document-kind';
import { languages, schemes } from '../ids';
import { DocumentSource, pairsInDiffEditors } from './documentChanges';
import { type FoundRepository, type PickableRevision, repositoriesFor } from './repositories';
import type { ReviewSource } from './reviewSource';

interface Choice extends vscode.QuickPickItem {
  /** undefined: a person thought better of it. */
  source?(): ReviewSource | undefined | Promise<ReviewSource | undefined>;
}

/** Files that are offered to compare with. */
const mostOffered = 500;

/** Asks what is to be compared with what. `argument`: of a menu, a file or a repository in the source control view. */
export async function chooseSource(argument: unknown): Promise<ReviewSource | undefined> {
  const { repositories, problems } = await repositoriesFor(folderOf(argument));
  const repository = repositories.length > 1 ? await chooseRepository(repositories) : repositories[0];
  if (!repository && repositories.length > 1) return undefined;
  const choices: Choice[] = [
    ...(repository ? await choicesOf(repository) : []),
    ...inDiffEditors(),
    {
      label: vscode.l10n.t('$(files) A runbook or inventory against another file…'),
      description: vscode.l10n.t('needs no version control'),
      source: () => chooseAnotherFile(argument),
    },
  ];
  const picked = await vscode.window.showQuickPick(choices, {
    title: vscode.l10n.t('Review Runbook Changes'),
    placeHolder: repository
      ? vscode.l10n.t('What is it to be compared with?')
      : (problems[0] ?? vscode.l10n.t('There is no git repository here. What is to be compared?')),
    matchOnDescription: true,
  });
  return picked?.source?.();
}

async function choicesOf(repository: FoundRepository): Promise<Choice[]> {
  const main = await repository.defaultBase();
  const branch = await repository.branch();
  const worktree = vscode.l10n.t('the working tree');
  return [
    ...(main === undefined
      ? []
      : [
          {
            label: vscode.l10n.t('$(git-branch) Against {0}', main),
            description: vscode.l10n.t(
              'all that {0} changes',
              branch === undefined || branch === main ? worktree : branch,
            ),
            source: () => repository.source({ base: main }),
          },
        ]),
    {
      label: vscode.l10n.t('$(history) Against another branch, tag or commit…'),
      source: async () => {
        const base = await chooseRevision(repository);
        return base === undefined ? undefined : repository.source({ base });
      },
    },
    {
      label: vscode.l10n.t('$(edit) Against the index'),
      description: vscode.l10n.t('what is not staged'),
      source: () => repository.source({ base: 'index' }),
    },
    {
      label: vscode.l10n.t('$(git-commit) What is staged'),
      description: vscode.l10n.t('the index against HEAD'),
      source: () => repository.source({ base: 'HEAD', head: 'index' }),
    },
  ];
}

interface Item extends vscode.QuickPickItem {
  /** undefined: it is typed. */
  revision?: string;
}

async function chooseRevision(repository: FoundRepository): Promise<string | undefined> {
  const title = vscode.l10n.t('Review Against a Revision');
  const typed: Item = {
    label: vscode.l10n.t('$(keyboard) Another revision…'),
    description: vscode.l10n.t('anything that git understands, like HEAD~3'),
  };
  const items: Promise<Item[]> = repository.revisions().then(revisions => [
    ...revisions.map(({ name, kind, detail, revision }) => ({
      label: `$(${icons[kind]})\u00a0${name}`,
      description: detail,
      revision,
    })),
    typed,
  ]);
  const picked = await vscode.window.showQuickPick(items, {
    title,
    matchOnDescription: true,
    placeHolder: vscode.l10n.t('A branch, a tag or one of the last commits'),
  });
  if (!picked || picked.revision !== undefined) return picked?.revision;
  const given = await vscode.window.showInputBox({ title, prompt: vscode.l10n.t('A revision, like HEAD~3 or v1.2') });
  return given?.trim() || undefined;
}

const icons: Record<PickableRevision['kind'], string> = { branch: 'git-branch', tag: 'tag', commit: 'git-commit' };

async function chooseRepository(repositories: readonly FoundRepository[]): Promise<FoundRepository | undefined> {
  const picked = await vscode.window.showQuickPick(
    repositories.map(repository => ({ label: repository.name, description: repository.root.fsPath, repository })),
    { title: vscode.l10n.t('Review Runbook Changes'), placeHolder: vscode.l10n.t('Which repository?') },
  );
  return picked?.repository;
}

/** What somebody else shows already: a pull request that is not checked out, or one in a browser. */
function inDiffEditors(): Choice[] {
  const pairs = pairsInDiffEditors();
  if (pairs.length === 0) return [];
  const labels = { base: vscode.l10n.t('the left sides'), head: vscode.l10n.t('the right sides') };
  const unknowns = [
    vscode.l10n.t('Only files that are open in diff editors were compared; all others were taken as they are now.'),
  ];
  return [
    {
      label: vscode.l10n.t('$(diff) What is open in diff editors'),
      description: pairs.length === 1 ? vscode.l10n.t('1 file') : vscode.l10n.t('{0} files', pairs.length),
      source: () => new DocumentSource(pairs, labels, unknowns),
    },
  ];
}

/** Asks for the file that the given one, or the one in front, is compared with. */
export async function chooseAnotherFile(argument: unknown): Promise<ReviewSource | undefined> {
  const chosen = argument instanceof vscode.Uri ? argument : vscode.window.activeTextEditor?.document.uri;
  // The documents of a review are gone when another one is made.
  const head = chosen?.scheme === schemes.review ? undefined : chosen;
  const kind = head && documentKind({ uri: head.toString(), languageId: languageOf(head) });
  if (!head || !kind) {
    void vscode.window.showInformationMessage(
      vscode.l10n.t('Open the runbook or inventory (*.runbook.yaml, *.inventory.yaml) that is to be reviewed first.'),
    );
    return undefined;
  }
  const open = vscode.workspace.textDocuments
    .filter(
      ({ languageId, uri }) =>
        languageId === (kind === 'runbook' ? languages.runbook : languages.inventory) && uri.scheme !== schemes.review,
    )
    .map(({ uri }) => uri);
  const stored = await vscode.workspace.findFiles(`**/*.${kind}.{yaml,yml}`, undefined, mostOffered);
  const offered = new Map([...open, ...stored].map(uri => [uri.toString(), uri]));
  offered.delete(head.toString());
  const browse = vscode.l10n.t('$(folder-opened) Another file…');
  const items = [...offered.values()].map(uri => ({
    label: nameOf(uri),
    description: uri.scheme === head.scheme ? vscode.workspace.asRelativePath(uri) : uri.toString(true),
    uri,
  }));
  const picked = await vscode.window.showQuickPick([...items, { label: browse, description: '', uri: undefined }], {
    title: vscode.l10n.t('Review {0} Against Another File', nameOf(head)),
    placeHolder: vscode.l10n.t('How it was before, or what it was copied from'),
    matchOnDescription: true,
  });
  if (!picked) return undefined;
  const base = picked.uri ?? (await vscode.window.showOpenDialog({ defaultUri: vscode.Uri.joinPath(head, '..') }))?.[0];
  if (!base) return undefined;
  const [before, after] = [nameOf(base), nameOf(head)];
  const labels =
    before === after
      ? { base: vscode.workspace.asRelativePath(base), head: vscode.workspace.asRelativePath(head) }
      : { base: before, head: after };
  return new DocumentSource([{ base, head }], labels, [
    vscode.l10n.t('Two files were compared; what they call and their inventories were taken as they are now.'),
  ]);
}

function languageOf(uri: vscode.Uri): string {
  const open = vscode.workspace.textDocuments.find(document => document.uri.toString() === uri.toString());
  return open?.languageId ?? '';
}

function nameOf(uri: vscode.Uri): string {
  return uri.path.slice(uri.path.lastIndexOf('/') + 1);
}

/** The source control view gives a repository, a menu of files a file; the palette gives nothing. */
function folderOf(argument: unknown): vscode.Uri | undefined {
  if (argument instanceof vscode.Uri) return vscode.Uri.joinPath(argument, '..');
  const root =
    typeof argument === 'object' && argument !== null && 'rootUri' in argument ? argument.rootUri : undefined;
  return root instanceof vscode.Uri ? root : undefined;
}
