// A headless Chromium on the VS Code server, and what a person does in the workbench put into words.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { remoteUri } from './server.mjs';

const FONT = '/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf';
export const chromiumPath = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Installs Debian's chromium and a font if they are missing (needs root). */
export function installBrowser(say = console.error) {
  const missing = [!existsSync(chromiumPath) && 'chromium', !existsSync(FONT) && 'fonts-dejavu-core'].filter(Boolean);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    throw new Error(
      `Missing ${missing.join(' and ')}: install with \`sudo apt-get install ${missing.join(' ')}\`, or set CHROMIUM.`,
    );
  }
  say(`Installing ${missing.join(' and ')}.`);
  const apt = args =>
    execFileSync('apt-get', args, {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  try {
    apt(['install', '-y', '-qq', '--no-install-recommends', ...missing]);
  } catch {
    apt(['update', '-qq']);
    apt(['install', '-y', '-qq', '--no-install-recommends', ...missing]);
  }
}

export const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Names outside this machine do not resolve: a test that asks the network fails here, not only offline.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1',
];

/** A browser that ends with `server` (it carries the server's mark, so the watchdog ends it too). */
export async function startBrowser(server, { width = 1280, height = 800 } = {}) {
  installBrowser();
  const browser = await chromium.launch({
    executablePath: chromiumPath,
    headless: true,
    args: flags,
    env: { ...process.env, VIRTBOOK_TEST_HOST: server.mark },
  });
  const context = await browser.newContext({ viewport: { width, height } });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  return { browser, page };
}

/** Opens `folder` in the workbench, with `file` in the editor if given, and waits until it is usable. */
export async function openFolder(server, page, folder, file) {
  const payload = [['skipWelcome', 'true']];
  if (file) payload.push(['openFile', remoteUri(server, file)]);
  const query = new URLSearchParams({ folder: path.resolve(folder), payload: JSON.stringify(payload) });
  await page.goto(`${server.url}?${query}`);
  await page.waitForSelector('.monaco-workbench .part.activitybar');
  if (file) await page.waitForSelector('.part.editor .monaco-editor .view-lines .view-line');
}

/** The workbench of one page, driven as a person would. */
export class Workbench {
  constructor(page) {
    this.page = page;
  }

  /** Brings an activity-bar container to the front (a second click would hide it). */
  async openContainer(title) {
    const item = this.page.locator(`.activitybar .action-item:has([aria-label^="${title}"])`).first();
    await item.waitFor();
    const isOpen = async () => (await item.getAttribute('class')).includes('checked');
    // A debugger that stops opens its container by itself: a click at that moment would close it again.
    for (let seen = 0; seen < 2; seen = (await isOpen()) ? seen + 1 : 0) {
      // Not its link: a badge may lie over that.
      if (!(await isOpen())) await item.click();
      // Its tooltip would lie over what is looked at next.
      await this.page.mouse.move(0, 0);
      await this.page.waitForTimeout(250);
    }
  }

  treeItem(text) {
    return this.page.locator('.sidebar [role="treeitem"]', { hasText: text }).first();
  }

  async treeTexts() {
    const texts = await this.page.locator('.sidebar [role="treeitem"]').allInnerTexts();
    return texts.map(text => text.replace(/\s+/g, ' ').trim());
  }

  async expand(text) {
    const item = this.treeItem(text);
    await item.waitFor();
    if ((await item.getAttribute('aria-expanded')) === 'false') await item.click();
  }

  /** The link of a CodeLens whose title contains `title`; the n-th one of the file. */
  lens(title, n = 0) {
    return this.page.locator('.codelens-decoration a', { hasText: title }).nth(n);
  }

  async lensTexts() {
    return this.page.locator('.codelens-decoration').allInnerTexts();
  }

  squiggles(severity = 'error') {
    return this.page.locator(`.squiggly-${severity}`);
  }

  notification(text) {
    return this.page.locator('.notifications-toasts .notification-list-item', { hasText: text }).first();
  }

  async clickNotification(text, button) {
    const toast = this.notification(text);
    await toast.waitFor();
    await toast.hover();
    await toast.locator('.monaco-button', { hasText: button }).click();
  }

  /** The modal dialog's text. */
  async dialogText() {
    const dialog = this.page.locator('.monaco-dialog-box');
    await dialog.waitFor();
    return dialog.innerText();
  }

  async clickDialog(button) {
    const box = this.page.locator('.monaco-dialog-box');
    await box.locator('.monaco-button', { hasText: button }).first().click();
    await box.waitFor({ state: 'hidden' });
  }

  async runCommand(title) {
    await this.page.keyboard.press('F1');
    const input = this.page.locator('.quick-input-widget .quick-input-box input');
    await input.waitFor();
    await input.fill(`>${title}`);
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first().click();
  }

  async answerInput(text) {
    const input = this.page.locator('.quick-input-widget .quick-input-box input');
    await input.waitFor();
    await input.fill(text);
    await this.page.keyboard.press('Enter');
  }

  async pick(text) {
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: text }).first().click();
  }

  /** Takes a command from the context menu of what is pointed at. */
  async chooseFromMenu(item, command) {
    await item.click({ button: 'right' });
    const entry = this.page.locator('.context-view .action-item', { hasText: command }).first();
    // A menu takes neither click nor pointer in the moment in which it opens: it is pointed at anew until it has been taken.
    for (let tries = 0; tries < 10; tries++) {
      await entry.hover({ position: { x: 20 + 5 * tries, y: 8 } });
      await this.page.keyboard.press('Enter');
      const gone = entry.waitFor({ state: 'hidden', timeout: 2_000 });
      if (
        await gone.then(
          () => true,
          () => false,
        )
      )
        return;
    }
    throw new Error(`${command} could not be chosen from the menu`);
  }

  async openFile(name) {
    await this.page.keyboard.press('Control+P');
    const input = this.page.locator('.quick-input-widget .quick-input-box input');
    await input.waitFor();
    await input.fill(name);
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: name }).first().click();
    await this.page.locator('.tab.active', { hasText: path.basename(name) }).waitFor();
  }

  /** A breakpoint on a line of the file in front, by keyboard. */
  async breakpointAt(line) {
    await this.page.keyboard.press('Control+G');
    const input = this.page.locator('.quick-input-widget .quick-input-box input');
    await input.waitFor();
    await input.fill(`:${line}`);
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: `line ${line}` }).waitFor();
    await this.page.keyboard.press('Enter');
    await input.waitFor({ state: 'hidden' });
    await this.page.keyboard.press('F9');
    await this.page.locator('.codicon-debug-breakpoint, .codicon-debug-breakpoint-unverified').first().waitFor();
  }

  /** Waits until the debugger stands in this line of the file in front. */
  async stoppedAt(line) {
    await this.page.waitForFunction(wanted => {
      const mark = document.querySelector('.codicon-debug-stackframe')?.getBoundingClientRect();
      if (!mark) return false;
      return [...document.querySelectorAll('.line-numbers')].some(number => {
        const box = number.getBoundingClientRect();
        return number.textContent === String(wanted) && Math.abs(box.top - mark.top) < 4;
      });
    }, line);
  }

  /** Opens scopes and variables until `name = value` is shown. */
  async variable(text, ...path) {
    const item = name => this.page.locator('.debug-variables [role="treeitem"]', { hasText: name }).first();
    // Rows out of sight do not exist: other scopes are closed.
    const open = this.page.locator('.debug-variables [role="treeitem"][aria-level="1"][aria-expanded="true"]');
    for (const other of (await open.all()).reverse()) {
      if (!(await other.innerText()).includes(path[0])) await other.click();
    }
    for (const name of path) {
      await item(name).waitFor();
      if ((await item(name).getAttribute('aria-expanded')) === 'false') await item(name).click();
    }
    const [name, value] = text.split(' = ');
    const wanted = this.page.locator('.debug-variables [role="treeitem"]', { hasText: value });
    await wanted.filter({ hasText: name }).first().waitFor();
  }

  /** In the debugger's toolbar: it has no key of its own. */
  async stepBack() {
    await this.page.locator('.debug-toolbar .action-label[aria-label^="Step Back"]').click();
  }

  /** Waits until a VM of the tree stands below `above`, e.g. `Host hv1`, and before the next of that kind. */
  under(vm, above) {
    return this.#isUnder(vm, above, true);
  }

  notUnder(vm, above) {
    return this.#isUnder(vm, above, false);
  }

  async #isUnder(vm, above, wanted) {
    await this.page.waitForFunction(
      ([name, parent, expected]) => {
        const items = [...document.querySelectorAll('.sidebar [role="treeitem"]')].map(item => ({
          label: item.getAttribute('aria-label') ?? '',
          top: item.getBoundingClientRect().top,
        }));
        items.sort((one, other) => one.top - other.top);
        const kind = parent.split(' ')[0];
        let inside = false;
        let found = false;
        for (const { label } of items) {
          if (label.startsWith(`${kind} `)) inside = label.startsWith(parent);
          else if (inside && label.startsWith(`VM ${name}`)) found = true;
        }
        return found === expected;
      },
      [vm, above, wanted],
    );
  }

  /** The text of the editor in front, as far as it is rendered. */
  async editorText() {
    const lines = await this.page.locator('.part.editor .editor-group-container.active .view-line').allInnerTexts();
    return lines.join('\n').replaceAll('\u00a0', ' ');
  }

  screenshot(file) {
    return this.page.screenshot({ path: file });
  }
}
