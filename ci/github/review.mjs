// Step: the review, once, with all reports; the job's summary; annotations in the log.
import { appendFileSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { findCli } from '../cli.mjs';
import { newlyBad, runReview } from '../run-review.mjs';
import { revisionsOf } from './revisions.mjs';
import { event, fail, log, needed, setOutputs } from './workflow.mjs';

/** What GitHub shows of a step's summary. */
const longestSummary = 1024 * 1024;

const { env } = process;

/** Of what `--format github` writes, only what it may: other commands are never carried out. */
const annotation = /^::(error|warning|notice) /;

/** Of a line, as the server shows it: Gitea and Forgejo have other addresses than GitHub. */
function lineAddress({ GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITEA_ACTIONS, FORGEJO_ACTIONS }) {
  if (!server || !repository) return undefined;
  const view = GITEA_ACTIONS || FORGEJO_ACTIONS ? 'src/commit' : 'blob';
  return `${server}/${repository}/${view}/{commit}/{path}#L{line}`;
}

try {
  if (env.GITHUB_EVENT_NAME === 'pull_request_target') {
    throw new Error(
      'Run this action on pull_request, not on pull_request_target: that gives what others propose a token that can write.',
    );
  }
  const cwd = path.resolve(needed(env, 'GITHUB_WORKSPACE'), env.INPUT_WORKING_DIRECTORY || '.');
  const revisions = revisionsOf(env.GITHUB_EVENT_NAME, event(env), cwd, { base: env.INPUT_BASE, head: env.INPUT_HEAD });
  const { review, reports, failed, said } = runReview({
    cli: findCli(env),
    cwd,
    folder: path.join(needed(env, 'RUNNER_TEMP'), 'virtbook-review'),
    formats: ['markdown', 'sarif', 'github'],
    ...revisions,
    inventory: env.INPUT_INVENTORY,
    failOn: env.INPUT_FAIL_ON,
    noRehearse: env.INPUT_REHEARSE === 'false',
    // Of a pull request: its branches.
    baseName: env.INPUT_BASE ? undefined : env.GITHUB_BASE_REF,
    headName: env.INPUT_HEAD ? undefined : env.GITHUB_HEAD_REF,
    link: lineAddress(env),
    env,
  });
  log(said);
  const annotations = readFileSync(reports.github, 'utf8').split('\n');
  for (const line of annotations) if (annotation.test(line)) process.stdout.write(`${line}\n`);
  const markdown = readFileSync(reports.markdown, 'utf8');
  if (env.INPUT_SUMMARY !== 'false' && env.GITHUB_STEP_SUMMARY && Buffer.byteLength(markdown) < longestSummary)
    appendFileSync(env.GITHUB_STEP_SUMMARY, markdown);
  setOutputs({
    failed,
    risk: review.risk.level,
    'newly-bad': newlyBad(review),
    report: reports.markdown,
    json: reports.json,
    sarif: reports.sarif,
  });
} catch (error) {
  fail(error);
}
