import { existsSync } from 'node:fs';
import path from 'node:path';
import { run } from './processes';

/** Why a rival can't take part. Shown in the report; never skipped silently. */
export class RivalMissing extends Error {
  override readonly name = 'RivalMissing';
  constructor(
    readonly rival: string,
    why: string,
  ) {
    super(why);
  }
}

const folder = path.join(process.cwd(), 'bench');

/** A command of a Debian package, installed when this is root's machine. Returns its path. */
export async function debianCommand(command: string, debianPackage: string): Promise<string> {
  const found = () => ['/usr/bin', '/usr/sbin', '/bin', '/sbin'].map(bin => path.join(bin, command)).find(existsSync);
  if (found() === undefined) {
    if (process.getuid?.() !== 0)
      throw new RivalMissing(command, `install the Debian package ${debianPackage}, or run the bench as root`);
    const apt = (...args: string[]) =>
      run('apt-get', ['-o', 'DPkg::Lock::Timeout=400', ...args], { env: { DEBIAN_FRONTEND: 'noninteractive' } });
    const install = () => apt('install', '-y', '--no-install-recommends', debianPackage);
    let done = await install();
    if (done.code !== 0) {
      await apt('update');
      done = await install();
    }
    if (done.code !== 0)
      throw new RivalMissing(command, `could not install ${debianPackage}: ${lastWords(done.output)}`);
  }
  const file = found();
  if (!file) throw new RivalMissing(command, `${debianPackage} is installed but has no ${command}`);
  return file;
}

/** Installs the npm rivals (bench/package.json) when they are not there yet; returns the folder of the one named. */
export async function npmRival(name: string): Promise<string> {
  const at = path.join(folder, 'node_modules', name);
  if (!existsSync(path.join(at, 'package.json'))) {
    const done = await run('npm', ['ci', '--ignore-scripts', '--loglevel=error'], { cwd: folder });
    if (done.code !== 0) throw new RivalMissing(name, `\`npm ci\` in bench/ failed: ${lastWords(done.output)}`);
  }
  return at;
}

/** The line that says what went wrong, where there is one. */
function lastWords(output: string): string {
  const lines = output.split('\n').filter(line => line.trim() !== '');
  return lines.find(line => /error|^E:/i.test(line)) ?? lines.at(-1) ?? 'it said nothing';
}
