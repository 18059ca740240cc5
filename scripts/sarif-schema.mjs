// The official schema of SARIF 2.1.0, for tests. It stands under terms of its own, so it is not kept here: it is taken from the npm package of
// Microsoft's SARIF tools, once, into the cache.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';

const tools = '@microsoft/sarif-multitool-linux@5.7.0';

/** The file; made when it is not there yet. */
export function sarifSchema(root) {
  const cache = process.env.VIRTBOOK_CACHE ?? path.join(root, '.cache');
  const file = path.join(cache, 'sarif-2.1.0.json');
  if (existsSync(file)) return file;
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(path.join(cache, 'sarif-'));
  try {
    const archive = execFileSync('npm', ['pack', '--silent', tools], { cwd: folder, encoding: 'utf8' }).trim();
    execFileSync('tar', ['xzf', archive, '--strip-components=1', 'package/sarif-2.1.0.json'], { cwd: folder });
    renameSync(path.join(folder, 'sarif-2.1.0.json'), file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return file;
}
