// Reviews of a git repository in the browser, by keyboard alone.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Makes the workspace a repository whose branch `faster` leaves `main` with these edits. */
function branched(workspace, edits) {
  const who = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', '-c', 'commit.gpgsign=false'];
  const git = (...args) => execFileSync('git', [...who, ...args], { cwd: workspace, encoding: 'utf8' });
  git('init', '--quiet', '--initial-branch=main');
  git('add', '.');
  git('commit', '--quiet', '--message=First');
  git('checkout', '--quiet', '-b', 'faster');
  for (const [name, edit] of Object.entries(edits)) edited(path.join(workspace, name), edit);
  git('commit', '--quiet', '--all', '--message=Faster');
  return git;
}

function edited(file, edit) {
  const before = readFileSync(file, 'utf8');
  const after = edit(before);
  assert.notEqual(after, before, `${file} is as before`);
  writeFileSync(file, after);
}

/** A command of the palette, without a pointer. */
async function command(page, title) {
  await page.keyboard.press('F1');
  const input = page.locator('.quick-input-widget .quick-input-box input');
  await input.waitFor();
  await page.keyboard.type(title);
  await page.locator('.quick-input-list .monaco-list-row.focused', { hasText: title }).waitFor();
  await page.keyboard.press('Enter');
}

/** Takes what a list offers first. */
async function takeFirst(page, text) {
  const row = page.locator('.quick-input-list .monaco-list-row.focused', { hasText: text });
  await row.waitFor();
  await page.keyboard.press('Enter');
  // What has just been opened may still take the focus, and the key with it.
  await row.waitFor({ state: 'hidden', timeout: 10_000 }).catch(async () => {
    await page.locator('.quick-input-widget .quick-input-box input').focus();
    await page.keyboard.press('Enter');
  });
}

const faster = {
  'patch.runbook.yaml': text =>
    text
      .replace('batch: 1, maxFailures: 0', 'batch: 3, maxFailures: 1')
      .replace(
        '          packages: ${{ inputs.packages }}\n',
        '          packages: ${{ inputs.packages }}\n          snapshot: false\n',
      ),
  'migrate.runbook.yaml': text => `${text}\n# Nothing but a remark.\n`,
};

/** @param {{ images: string, looked: string }} folders for pictures */
export const reviewCases = ({ images, looked }) => ({
  async 'the example: a change is reviewed by keyboard: report, files and plans'({ bench, page, workspace }) {
    branched(workspace, faster);
    await bench.openFile('patch.runbook.yaml');
    await command(page, 'Virtbook: Review Runbook Changes…');
    await takeFirst(page, 'Against main');
    await bench.notification('Medium risk').waitFor();
    await bench.screenshot(path.join(looked, 'review-told.png'));
    await command(page, 'Notifications: Clear All Notifications');
    const report = page.frameLocator('iframe.webview.ready').frameLocator('#active-frame');
    await report.locator('code', { hasText: 'patch.runbook.yaml' }).first().waitFor();
    await report
      .locator('td', { hasText: /3\s+differences/ })
      .first()
      .waitFor();
    await page.locator('.tab', { hasText: 'Review: main ↔ the working tree' }).waitFor();
    await page.locator('.tab', { hasText: 'Review against main.md' }).waitFor();
    // The files as they were and are, and the plans after them.
    await page.locator('.multiDiffEntry', { hasText: 'patch.runbook.yaml' }).first().waitFor();
    // The same path on both sides: it is not called renamed.
    assert.equal(await page.locator('.multiDiffEntry .status', { hasText: 'R' }).count(), 0);
    await page.locator('.multiDiffEntry .view-line', { hasText: 'batch: 3' }).first().waitFor();
    await page.waitForTimeout(500);
    await bench.screenshot(path.join(images, 'review-vscode.png'));

    await command(page, 'Virtbook: Compare Plans…');
    await takeFirst(page, 'Patch the web servers');
    await page.locator('.tab.active', { hasText: 'Plan of Patch the web servers' }).waitFor();
    await command(page, 'View: Close Editors in Other Groups');
    const sides = page.locator('.editor-group-container.active .monaco-diff-editor');
    await sides.locator('.editor.original .view-line', { hasText: 'snapshot: true' }).first().waitFor();
    await sides.locator('.editor.modified .view-line', { hasText: 'snapshot: false' }).first().waitFor();
    await page.waitForTimeout(500);
    await bench.screenshot(path.join(images, 'plan-diff.png'));

    // Again, as the file is now.
    edited(path.join(workspace, 'patch.runbook.yaml'), text => text.replace('          snapshot: false\n', ''));
    await command(page, 'Virtbook: Review Again');
    await bench.notification('risk').waitFor();
    await bench.screenshot(path.join(looked, 'review-again.png'));
    await report
      .locator('td', { hasText: /2\s+differences/ })
      .first()
      .waitFor();

    // The runbook itself leads to the comparison, and the source control view to a review. What was opened of the review has its name too.
    await page.locator('.explorer-folders-view [role="treeitem"][aria-label^="patch.runbook.yaml"]').first().dblclick();
    await page.locator('.tab.active', { hasText: /^patch\.runbook\.yaml$/ }).waitFor();
    await bench.lens('Compare plan with main').waitFor();
    await page.keyboard.press('Control+Shift+G');
    await page.locator('.sidebar .action-label[aria-label^="Review Runbook Changes"]').first().waitFor();
  },

  async 'an untrusted repository is reviewed, and no program that it names is run'({ bench, page, workspace }) {
    const git = branched(workspace, {
      'snapshots.runbook.yaml': text => text.replace('before-work', 'before-patch'),
    });
    const ran = path.join(path.dirname(workspace), `${path.basename(workspace)}-ran`);
    const program = path.join(workspace, '.git', 'program');
    writeFileSync(program, `#!/bin/sh\ntouch '${ran}'\ncat\n`);
    chmodSync(program, 0o755);
    for (const key of [
      'core.fsmonitor',
      'core.sshCommand',
      'core.pager',
      'diff.external',
      'gpg.program',
      'filter.x.clean',
    ])
      git('config', key, program);
    git('config', 'log.showSignature', 'true');
    for (const hook of ['post-index-change', 'reference-transaction', 'post-checkout'])
      writeFileSync(path.join(workspace, '.git/hooks', hook), `#!/bin/sh\ntouch '${ran}'\n`, { mode: 0o755 });
    writeFileSync(path.join(workspace, '.git/info/attributes'), '* filter=x diff=x\n');
    edited(path.join(workspace, 'slow.runbook.yaml'), text => `${text}# Not committed.\n`);
    await bench.openFile('snapshots.runbook.yaml');
    await command(page, 'Virtbook: Review Runbook Changes…');
    await takeFirst(page, 'Against main');
    await bench.notification('risk').waitFor();
    const report = page.frameLocator('iframe.webview.ready').frameLocator('#active-frame');
    await report.locator('code', { hasText: 'snapshots.runbook.yaml' }).first().waitFor();
    await bench.screenshot(path.join(looked, 'review-untrusted.png'));
    assert.equal(existsSync(ran), false, 'a program of the repository was run');
  },
});

/** How these cases are opened. */
export const reviewOptions = {
  'an untrusted repository is reviewed, and no program that it names is run': { trust: false },
};
