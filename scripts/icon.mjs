// Renders media/icon.svg to media/icon.png (128 × 128), which the marketplaces want as a bitmap.
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { chromiumPath, installBrowser } from '../test/vscode/host/browser.mjs';

installBrowser();
const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] });
const page = await browser.newPage({ viewport: { width: 128, height: 128 } });
await page.setContent(`<style>body{margin:0}svg{display:block}</style>${readFileSync('media/icon.svg', 'utf8')}`);
await page.screenshot({ path: 'media/icon.png', omitBackground: true });
await browser.close();
