// The job of ci/gitlab.yml: the review, its reports as artifacts, and a note in the merge request where a token lets it.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ApiError } from '../api.mjs';
import { findCli } from '../cli.mjs';
import { fetchBase, git } from '../revisions.mjs';
import { runReview } from '../run-review.mjs';
import { writeNote } from './note.mjs';

// The token is for the note alone: nothing else is to see it.
const { VIRTBOOK_TOKEN: token, ...env } = process.env;

/** Of a merge request what it is to be merged into, as this pipeline has it; else the default branch. */
function baseOf(folder) {
  if (env.VIRTBOOK_BASE) return fetchBase(folder, env.VIRTBOOK_BASE, 'HEAD');
  // Set in pipelines of merged results: the branch as it is, not as it was when the change was begun.
  const target = env.CI_MERGE_REQUEST_TARGET_BRANCH_SHA || env.CI_MERGE_REQUEST_DIFF_BASE_SHA;
  if (target) return fetchBase(folder, target, 'HEAD');
  const branch = env.CI_DEFAULT_BRANCH;
  if (!branch) return undefined;
  git(folder, 'fetch', '--quiet', '--no-tags', '--', 'origin', `+refs/heads/${branch}:refs/remotes/origin/${branch}`);
  return fetchBase(folder, `origin/${branch}`, 'HEAD');
}

async function note(review, report) {
  const hidden = 'the report is among the artifacts of this job';
  if (!env.CI_MERGE_REQUEST_IID) return 'This pipeline is of no merge request, so there is no note.';
  if (!token) return `There is no VIRTBOOK_TOKEN, so there is no note: ${hidden}.`;
  try {
    return await writeNote(env, token, report, review.files.length > 0);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return `The note could not be written: ${hidden}. VIRTBOOK_TOKEN needs the scope api, and a role that may comment. (${error.message})`;
  }
}

try {
  const folder = env.CI_PROJECT_DIR;
  if (!folder) throw new Error('CI_PROJECT_DIR is not set. This script is for jobs of GitLab.');
  const { review, reports, failed, said } = runReview({
    cli: findCli(env),
    cwd: folder,
    folder: path.join(folder, 'virtbook-review'),
    formats: ['markdown', 'gitlab', 'junit'],
    base: baseOf(folder),
    inventory: env.VIRTBOOK_INVENTORY,
    failOn: env.VIRTBOOK_FAIL_ON,
    noRehearse: env.VIRTBOOK_REHEARSE === 'false',
    baseName: env.CI_MERGE_REQUEST_TARGET_BRANCH_NAME,
    headName: env.CI_MERGE_REQUEST_SOURCE_BRANCH_NAME,
    link: env.CI_PROJECT_URL && `${env.CI_PROJECT_URL}/-/blob/{commit}/{path}#L{line}`,
    env,
  });
  if (said) console.log(said);
  console.log(await note(review, readFileSync(reports.markdown, 'utf8')));
  if (failed) process.exitCode = 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
