// Runs `virtbook review` once and gives all its reports.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';

/** Names of the files by format. */
const files = {
  markdown: 'review.md',
  json: 'review.json',
  sarif: 'review.sarif',
  github: 'annotations.txt',
  gitlab: 'codequality.json',
  junit: 'junit.xml',
};

/**
 * `options`: `cli`, `cwd`, `folder` for the reports, `formats` besides JSON, and as far as they are given `base`, `head`, `inventory`, `failOn`,
 * `noRehearse`, `baseName`, `headName`, `link`. Gives the review, paths of the reports, whether it fails, and what was said besides.
 * @throws when there is no review
 */
export function runReview({
  cli,
  cwd,
  folder,
  formats,
  base,
  head = 'HEAD',
  inventory,
  failOn,
  noRehearse,
  baseName,
  headName,
  link,
  env = process.env,
}) {
  mkdirSync(folder, { recursive: true });
  const reports = Object.fromEntries(['json', ...formats].map(format => [format, path.resolve(folder, files[format])]));
  // What an earlier review left must not be taken for this one's.
  for (const file of Object.values(reports)) rmSync(file, { force: true });
  const args = [
    'review',
    // Joined, so that no value is taken for an option.
    ...(base ? [`--base=${base}`] : []),
    `--head=${head}`,
    ...(inventory ? [`--inventory=${inventory}`] : []),
    ...(failOn ? [`--fail-on=${failOn}`] : []),
    ...(noRehearse ? ['--no-rehearse'] : []),
    ...(baseName ? [`--base-name=${baseName}`] : []),
    ...(headName ? [`--head-name=${headName}`] : []),
    ...(link ? [`--link=${link}`] : []),
    ...Object.entries(reports).map(([format, file]) => `--format=${format}=${file}`),
  ];
  const [command, ...first] = /\.[cm]?js$/.test(cli) ? [process.execPath, cli] : [cli];
  const { status, signal, stdout, stderr, error } = spawnSync(command, [...first, ...args], {
    cwd,
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const said = [stdout, stderr].filter(Boolean).join('\n').trim();
  if (error) throw new Error(`${cli} can't be run: ${error.message}`);
  if (!existsSync(reports.json) || (status !== 0 && status !== 1))
    throw new Error(`virtbook review ended with ${signal ?? status}: ${said}`);
  return { review: JSON.parse(readFileSync(reports.json, 'utf8')), reports, failed: status !== 0, said };
}

/** Failure points that do not come back now, and did before or were not there. */
export function newlyBad(review) {
  return review.files.reduce((sum, file) => sum + (file.rehearsal?.newlyBad.length ?? 0), 0);
}
