// Step: the report as a comment of the pull request; one of its own that is there already is updated.
import { readFileSync } from 'node:fs';
import { ApiError, pages, request } from '../api.mjs';
import { commentText, mark } from '../report-comment.mjs';
import { event, fail, needed, notice, warn } from './workflow.mjs';

/** Characters that GitHub takes in a comment; Gitea and Forgejo take more. */
const longestComment = 65_536;

const { env } = process;

/** Who this job's own token writes as. */
function author() {
  if (env.INPUT_COMMENT_AUTHOR) return env.INPUT_COMMENT_AUTHOR;
  if (env.FORGEJO_ACTIONS === 'true') return 'forgejo-actions';
  if (env.GITEA_ACTIONS === 'true') return 'gitea-actions';
  return 'github-actions[bot]';
}

async function comment() {
  const { pull_request: pullRequest } = event(env);
  const repository = `${needed(env, 'GITHUB_API_URL')}/repos/${needed(env, 'GITHUB_REPOSITORY')}`;
  const list = `${repository}/issues/${Number(pullRequest.number)}/comments`;
  const headers = {
    accept: 'application/vnd.github+json',
    authorization: `Bearer ${needed(env, 'INPUT_TOKEN')}`,
    'x-github-api-version': '2022-11-28',
  };
  const review = JSON.parse(readFileSync(needed(env, 'REVIEW_JSON'), 'utf8'));
  const report = readFileSync(needed(env, 'REVIEW_MARKDOWN'), 'utf8');
  const run = `${env.GITHUB_SERVER_URL}/${env.GITHUB_REPOSITORY}/actions/runs/${env.GITHUB_RUN_ID}`;
  const body = commentText(report, longestComment, `All of it is in [the summary of the job](${run}).`);
  let own;
  for await (const one of pages(`${list}?per_page=100`, headers)) {
    // Anybody can write the mark.
    if (one.user?.login !== author() || !one.body?.startsWith(mark)) continue;
    own = one;
    break;
  }
  if (own) {
    await request(`${repository}/issues/comments/${Number(own.id)}`, { method: 'PATCH', headers, body: { body } });
    console.log(`The comment ${own.html_url ?? own.id} is updated.`);
  } else if (review.files.length === 0) {
    console.log('There is nothing to review, and no comment that says otherwise.');
  } else {
    const { data } = await request(list, { method: 'POST', headers, body: { body } });
    console.log(`The comment ${data.html_url ?? data.id} is made.`);
  }
}

try {
  await comment();
} catch (error) {
  if (!(error instanceof ApiError)) fail(error);
  else if ([401, 403, 404].includes(error.status)) {
    notice(
      `The token of this job can't write comments, as always for a pull request from a fork. The report is in the summary of the job. In a pull request of the repository itself the workflow needs \`permissions: pull-requests: write\`. (${error.message})`,
    );
  } else warn(`The comment could not be written; the report is in the summary of the job. (${error.message})`);
}
