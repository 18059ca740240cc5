import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Env, git, plainEnv } from './shell';

/** A repository with runbooks, its copy on a server (a bare repository beside it), and what CI checks out of that. */
export class Repository {
  readonly folder = mkdtempSync(join(tmpdir(), 'virtbook-ci-repository-'));
  readonly env: Env = plainEnv(this.folder);
  readonly work = join(this.folder, 'work');
  readonly server = join(this.folder, 'server.git');
  #checkouts = 0;

  static async create(): Promise<Repository> {
    const made = new Repository();
    mkdirSync(made.work);
    await git(made.folder, made.env, 'init', '--quiet', '--bare', '--initial-branch=main', made.server);
    // As forges allow it.
    await git(made.server, made.env, 'config', 'uploadpack.allowAnySHA1InWant', 'true');
    await made.git('init', '--quiet', '--initial-branch=main');
    await made.git('remote', 'add', 'origin', made.server);
    return made;
  }

  git(...args: string[]): Promise<string> {
    return git(this.work, this.env, ...args);
  }

  write(files: Record<string, string>): void {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.work, name)), { recursive: true });
      writeFileSync(join(this.work, name), text);
    }
  }

  /** Everything in the working tree; gives the commit. */
  async commit(message: string): Promise<string> {
    await this.git('add', '--all');
    await this.git('commit', '--quiet', '--message', message);
    return this.git('rev-parse', 'HEAD');
  }

  /** What merging `branch` into main makes, as forges keep it for a pull request; gives its commit. */
  async pullRequest(number: number, branch: string): Promise<string> {
    await this.git('checkout', '--quiet', '--detach', 'main');
    await this.git('merge', '--quiet', '--no-ff', '--message', `Merge ${number}`, branch);
    const merge = await this.git('rev-parse', 'HEAD');
    await this.git('push', '--quiet', '--force', 'origin', 'main', `${branch}:refs/pull/${number}/head`);
    await this.git('push', '--quiet', '--force', 'origin', `${merge}:refs/pull/${number}/merge`);
    await this.git('checkout', '--quiet', branch);
    return merge;
  }

  /** One commit of the server with `depth` commits of history, detached, as actions/checkout and GitLab's runner leave it. */
  async checkout(commit: string, depth = 1): Promise<string> {
    const folder = join(this.folder, `checkout ${++this.#checkouts}`);
    mkdirSync(folder);
    const run = (...args: string[]) => git(folder, this.env, ...args);
    await run('init', '--quiet');
    // A path is copied whole; an address is fetched from, as over a network.
    await run('remote', 'add', 'origin', `file://${this.server}`);
    await run('fetch', '--quiet', '--no-tags', `--depth=${depth}`, 'origin', commit);
    await run('checkout', '--quiet', '--detach', commit);
    return folder;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** A simulated lab with three VMs, and its inventory. */
export const labFiles: Record<string, string> = {
  'lab.inventory.yaml': `version: 1
connections:
  lab: { type: simulated, lab: ./demo.lab.yaml }
groups:
  web: { vms: [web1, web2] }
`,
  'demo.lab.yaml': `version: 1
hosts:
  hv1: { cpus: 16, memoryMiB: 32768 }
  hv2: { cpus: 16, memoryMiB: 32768 }
datastores:
  shared: { capacityGiB: 500, hosts: [hv1, hv2] }
vms:
${['web1', 'web2', 'db1']
  .map(
    (name, at) =>
      `  ${name}: { host: hv1, state: running, memoryMiB: 2048, disks: [{ datastore: shared, capacityGiB: 10 }], guest: { address: 192.0.2.${11 + at}, agent: running, services: { nginx: active } } }`,
  )
  .join('\n')}
`,
};

/** A runbook of these steps (YAML, unindented). */
export function runbook(name: string, steps: string, inventory = './lab.inventory.yaml'): string {
  return `version: 1\nname: ${name}\ninventory: ${inventory}\nsteps:\n${steps.trim().replace(/^/gm, '  ')}\n`;
}

export const snapshot = `
- uses: vm.snapshot
  with: { vm: web1, name: before, quiesce: "no" }
`;

/** What a failure leaves: nothing starts the service again. */
export const leaves = `
- uses: guest.run
  with: { vm: web1, argv: [systemctl, stop, nginx] }
`;

export const wrong = `
- uses: vm.strat
  with: { vm: web1 }
`;
