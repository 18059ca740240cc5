// Opens the example workspace in a real VS Code in the browser, with the packaged extension in it. Ctrl+C ends it.
//   npm run code [-- FOLDER]
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { repository, startServer } from '../test/vscode/host/server.mjs';

const folder = path.resolve(process.argv[2] ?? path.join(repository, 'examples'));
if (!existsSync(folder)) {
  console.error(`There is no folder ${folder}.`);
  process.exit(2);
}
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
const packaging = spawnSync(npm, ['run', '--silent', 'package'], {
  cwd: repository,
  stdio: ['ignore', 'ignore', 'inherit'],
});
if (packaging.status !== 0) process.exit(packaging.status ?? 1);

// The user's own home: SSH keys, known_hosts and the state of earlier runs are where they always are.
const server = await startServer({
  vsix: path.join(repository, 'virtbook.vsix'),
  env: { HOME: process.env.HOME ?? '' },
  spareRunners: true,
});
console.log(`${server.url}?folder=${encodeURIComponent(folder)}`);
console.log('Open this in a browser on this machine. Ctrl+C ends it; runs under way go on (`virtbook runs`).');
const end = () => server.stop().then(() => process.exit(0));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, end);
