import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { canonical, readSigned, withSignature } from '../../src/cli/signed-text';
import { Workspace } from '../runner/built';

// What is left of a run after it: a record for a pull request or a ticket, and who vouches for it. Real ssh-keygen, real runs.

let at: Workspace;
let runId: string;
beforeAll(async () => {
  at = await Workspace.create();
  for (const name of ['alice', 'mallory']) key(name);
  allow('alice', 'namespaces="virtbook-evidence"');
  at.runbook(
    'patch',
    `
- id: gate
  approve: { message: "Patch web1?" }
- uses: vm.snapshot
  with: { vm: web1, name: before }
- id: patch
  uses: guest.patch
  with: { vm: web2, packages: [broken] }
`,
  );
  runId = await at.start('patch.runbook.yaml');
  await at.waitFor(runId, record => record.type === 'approval.asked');
  await at.run(['approve', runId, '--note', 'CHG-7, see |ticket| @here']);
  for await (const _ of at.runs.follow(runId));
}, 120_000);
afterAll(() => at?.remove());

function key(name: string): string {
  const file = join(at.folder, name);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file]);
  return file;
}

/** The file of allowed signers, as it would be in the repository. */
function allow(name: string, options: string): void {
  execFileSync('mkdir', ['-p', join(at.folder, '.virtbook')]);
  const publicKey = readFileSync(join(at.folder, `${name}.pub`), 'utf8').trim();
  writeFileSync(join(at.folder, '.virtbook/allowed_signers'), `${name}@example.com ${options} ${publicKey}\n`);
}

const record = async (...more: string[]) => (await at.run(['show', runId, '--format', 'markdown', ...more])).stdout;

describe('the record of a run', () => {
  it('tells what was approved, who ran it, each step with its times, what was undone, and the logs', async () => {
    const text = (await record())
      .replaceAll(runId, 'RUN-ID')
      .replaceAll(`${userInfo().username}@${hostname()}`, 'USER')
      .replace(`| Ran on | ${hostname()} |`, '| Ran on | MACHINE |')
      .replace(/\| \d+ records/, '| N records')
      .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ/g, 'DATE')
      .replace(/\d+(\\?\.\d)? s\b/g, 'TIME')
      .replace(/[0-9a-f]{64}/g, 'HASH');
    await expect(text).toMatchFileSnapshot('golden/record.md');
  });

  it('is the same each time, and ends as the run ended', async () => {
    const [first, second] = [await record(), await record()];
    expect(first).toBe(second);
    expect((await at.run(['show', runId, '--format', 'markdown'])).code).toBe(1);
  });

  it('has whole logs when asked', async () => {
    expect((await record('--logs', 'all')).length).toBeGreaterThanOrEqual((await record()).length);
  });

  it('of a run under way is shown but not signed', async () => {
    const under = await at.start('patch.runbook.yaml');
    await at.waitFor(under, found => found.type === 'approval.asked');
    expect((await at.run(['show', under, '--format', 'markdown'])).stdout).toContain('waiting');
    const refused = await at.run(['show', under, '--format', 'markdown', '--sign', join(at.folder, 'alice')]);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('has not ended');
    await at.run(['reject', under]);
    for await (const _ of at.runs.follow(under));
  });
});

describe('a signed record', () => {
  let signed: string;
  beforeEach(async () => {
    signed ??= await record('--sign', join(at.folder, 'alice'));
    at.write('evidence.md', signed);
  });
  const verify = (...more: string[]) => at.run(['verify-evidence', 'evidence.md', ...more]);

  it('is good: it says who signed it, and what the run came to', async () => {
    const { code, stdout } = await verify();
    expect(stdout).toMatch(/^evidence\.md: good, signed by alice@example\.com with ED25519 key SHA256:\S+\.$/m);
    expect(stdout).toMatch(new RegExp(`^Run ${runId}, plan [0-9a-f]{12}: failed and rolled back\\.$`, 'm'));
    expect(code).toBe(0);
  });

  it('is good after a ticket system has changed its line ends, and from standard input', async () => {
    const changed = `${signed.replaceAll('\n', '  \r\n')}\r\n`;
    expect(await at.run(['verify-evidence', '-'], { input: changed })).toMatchObject({ code: 0 });
  });

  it('is compared with the journal', async () => {
    expect(await verify('--run', runId)).toMatchObject({ code: 0 });
    const journal = at.journal(runId);
    const before = readFileSync(journal);
    const other = await at.start(at.runbook('other', '- uses: vm.start\n  with: { vm: web3 }'));
    for await (const _ of at.runs.follow(other));
    writeFileSync(journal, readFileSync(at.journal(other)));
    try {
      const { code, stdout } = await verify('--run', runId);
      expect(stdout).toContain('tells something else');
      expect(code).toBe(1);
    } finally {
      writeFileSync(journal, before);
    }
  });

  it.each([
    ['one word of it', (text: string) => text.replace('failed and rolled back', 'done')],
    ['a digit of the plan', (text: string) => text.replace(/(\| Plan \| `)./, (_, head) => `${head}x`)],
    ['a line that is added', (text: string) => text.replace('### Steps', 'All is well.\n\n### Steps')],
    ['words below the signature', (text: string) => `${text}\nApproved by everybody.\n`],
    [
      'words around the signature',
      (text: string) => text.replace('<details>\n<summary>Sig', 'Hello\n<details>\n<summary>Sig'),
    ],
    ['a second signature', (text: string) => text + text.slice(text.indexOf('<!-- virtbook-signature'))],
    ['a signature that is cut', (text: string) => text.replace(/^(U1NIU0lH)/m, 'AAAA$1')],
    ['no signature', (text: string) => text.slice(0, text.indexOf('<!-- virtbook-signature'))],
  ])('is bad when it was changed: %s', async (_, change) => {
    const changed = change(signed);
    expect(changed).not.toBe(signed);
    at.write('evidence.md', changed);
    expect((await verify()).code).toBe(1);
    expect((await verify('--any-key')).code).toBe(1);
  });

  it('by somebody who is not allowed is refused, by name of the key', async () => {
    at.write('evidence.md', await record('--sign', join(at.folder, 'mallory')));
    const { code, stdout } = await verify();
    expect(stdout).toContain('ED25519 key SHA256:');
    expect(stdout).toContain('does not name');
    expect(code).toBe(1);
    const any = await verify('--any-key');
    expect(any.stdout).toContain('whose it is was not asked');
    expect(any.code).toBe(0);
  });

  it('by a key that is allowed for something else is refused', async () => {
    allow('alice', 'namespaces="git"');
    try {
      expect((await verify()).code).toBe(1);
    } finally {
      allow('alice', 'namespaces="virtbook-evidence"');
    }
  });

  it('by a key that does not count any more is refused', async () => {
    allow('alice', 'namespaces="virtbook-evidence",valid-before="20200101"');
    try {
      const { code, stdout } = await verify();
      expect(stdout).toContain('or not for today');
      expect(code).toBe(1);
    } finally {
      allow('alice', 'namespaces="virtbook-evidence"');
    }
  });

  it('takes keys and allowed signers by relative paths, and no program out of the folder that it is called in', async () => {
    const proof = join(at.folder, 'ran');
    for (const name of ['ssh-keygen', 'git'])
      writeFileSync(join(at.folder, name), `#!/bin/sh\ntouch '${proof}'\nexit 1\n`, { mode: 0o755 });
    try {
      // As Windows does it, where nobody has to say so.
      const env = { ...at.env(), PATH: `.:${process.env.PATH}` };
      const { stdout, code } = await at.run(['show', runId, '--format', 'markdown', '--sign', 'alice'], { env });
      expect(code).toBe(1);
      at.write('relative.md', stdout);
      const found = await at.run(['verify-evidence', 'relative.md', '--allowed-signers', '.virtbook/allowed_signers'], {
        env,
      });
      expect(found).toMatchObject({ code: 0, stdout: expect.stringContaining('good, signed by') });
      expect(existsSync(proof)).toBe(false);
    } finally {
      for (const name of ['ssh-keygen', 'git']) rmSync(join(at.folder, name));
    }
  });

  it('is signed with a key that only the agent has', async () => {
    const agent = spawn('ssh-agent', ['-D', '-a', join(at.folder, 'agent.sock')], { stdio: 'ignore' });
    try {
      const env = { ...at.env(), SSH_AUTH_SOCK: join(at.folder, 'agent.sock') };
      const held = key('held');
      for (let tries = 0; ; tries++) {
        try {
          execFileSync('ssh-add', ['-q', held], { env, stdio: 'pipe' });
          break;
        } catch (error) {
          if (tries > 50) throw error;
          await new Promise(resolve => setTimeout(resolve, 50));
        }
      }
      execFileSync('rm', [held]);
      const { stdout } = await at.run(['show', runId, '--format', 'markdown', '--sign', `${held}.pub`], { env });
      at.write('evidence.md', stdout);
      expect((await verify('--any-key')).code).toBe(0);
    } finally {
      agent.kill();
    }
  });

  it('without a key, or without anybody who counts, says what to do', async () => {
    const none = await at.run(['show', runId, '--format', 'markdown', '--sign'], {
      env: { HOME: at.folder, GIT_CONFIG_GLOBAL: '/dev/null' },
    });
    expect(none).toMatchObject({ code: 2, stdout: '' });
    expect(none.stderr).toContain('--sign ~/.ssh/KEY');
    const wrong = await at.run(['show', runId, '--format', 'markdown', '--sign', join(at.folder, 'nobody')]);
    expect(wrong).toMatchObject({ code: 2, stdout: '' });
    expect(wrong.stderr).toContain("nobody can't sign");
    const unknown = await verify('--allowed-signers', 'nowhere');
    expect(unknown).toMatchObject({ code: 2 });
    expect(unknown.stderr).toContain('There is no file nowhere');
  });
});

describe('text below which a signature stands', () => {
  const signature = '-----BEGIN SSH SIGNATURE-----\nU1NI\n-----END SSH SIGNATURE-----\n';

  it.each(['a', 'a  \r\nb\t\r\n\n', '\ufeffa', '```\n<details>\n'])('is read back as it was: %j', body => {
    expect(readSigned(body)).toBeUndefined();
    expect(readSigned(withSignature({ body, signature }))).toEqual({ body: canonical(body), signature });
  });
});
