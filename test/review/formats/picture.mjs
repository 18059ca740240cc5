// Draws a review as a pull request shows it, to look at it and for docs/images/review-comment.png:
//   npx tsx test/review/formats/picture.mjs FOLDER [REVIEW.json]
// REVIEW.json: what `virtbook review --format json` gave; without it, the reviews that the tests are made with.
// The picture in docs/images is given-light.png down to the end of its first file, in 160 colours. Its review is of the examples, with
// `group:web @shop/web-team` in .virtbook/OWNERS: the branch takes `gate` and `canary` out of maintenance.runbook.yaml, raises `perHost`
// to 2, and before the step `patch` of parts/patch-one.runbook.yaml puts a `guest.run` that writes /etc/motd.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { micromark } from 'micromark';
import { gfm, gfmHtml } from 'micromark-extension-gfm';
import { chromium } from 'playwright-core';
import { reviewMarkdown } from '../../../src/review/formats/markdown.ts';
import { flags } from '../../vscode/host/browser.mjs';
import { harmless, large, rich } from './reviews.ts';

const [, , folder, given] = process.argv;
if (!folder) throw new Error('Say into which folder: npx tsx test/review/formats/picture.mjs FOLDER');
mkdirSync(folder, { recursive: true });
const require = createRequire(import.meta.url);
const css = {
  light: readFileSync(require.resolve('github-markdown-css/github-markdown-light.css'), 'utf8'),
  dark: readFileSync(require.resolve('github-markdown-css/github-markdown-dark.css'), 'utf8'),
};
const link = ({ path: file, line, endLine }) =>
  `https://git.example.org/shop/ops/blob/a1b2c3d/${file}#L${line}${endLine > line ? `-L${endLine}` : ''}`;

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: flags });
try {
  for (const [name, review] of Object.entries(
    given ? { given: JSON.parse(readFileSync(given, 'utf8')) } : { rich, harmless, large: large(6, 4) },
  )) {
    for (const theme of ['light', 'dark']) {
      for (const open of [false, true]) {
        const page = await browser.newPage({ viewport: { width: 900, height: 600 }, deviceScaleFactor: 1.2 });
        await page.setContent(pageOf(reviewMarkdown(review, { link }), theme));
        if (open)
          await page.evaluate(() => {
            for (const one of document.querySelectorAll('details')) one.open = true;
          });
        await page.screenshot({
          path: path.join(folder, `${name}-${theme}${open ? '-open' : ''}.png`),
          fullPage: true,
        });
        await page.close();
      }
    }
  }
} finally {
  await browser.close();
}

function pageOf(markdown, theme) {
  const html = micromark(markdown, { extensions: [gfm()], htmlExtensions: [gfmHtml()], allowDangerousHtml: true });
  const [ground, line] = theme === 'light' ? ['#ffffff', '#d1d9e0'] : ['#0d1117', '#3d444d'];
  return `<!doctype html><meta charset="utf-8"><style>${css[theme]}
    body { background: ${ground}; margin: 24px; }
    .comment { border: 1px solid ${line}; border-radius: 6px; padding: 16px; }
    .markdown-body { font-size: 14px; }
  </style><div class="comment"><div class="markdown-body">${html}</div></div>`;
}
