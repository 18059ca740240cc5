import { execFileSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SshConnection } from '../../src/ssh/connection';
import type { ConnectOptions, HostKeyQuestion } from '../../src/ssh/contract';
import { SshError } from '../../src/ssh/errors';
import { freshFolder, makeKey, type Sshd, startSshd, stopAll } from './sshd';

let sshd: Sshd;
let other: string;
let count = 0;

beforeAll(async () => {
  sshd = await startSshd({ hostKeys: ['ed25519', 'ecdsa', 'rsa'] });
  other = makeKey(join(sshd.folder, 'other'));
});
afterAll(stopAll);

const publicHalf = (path: string) => readFileSync(`${path}.pub`, 'utf8').split(' ').slice(0, 2).join(' ').trim();

function withKnownHosts(text: string): { file: string; options: ConnectOptions } {
  const file = join(sshd.folder, `kh${count++}`);
  writeFileSync(file, text);
  return { file, options: { configFile: 'none', override: { ...sshd.override, userKnownHostsFiles: [file] } } };
}

async function failure(options: ConnectOptions): Promise<SshError> {
  // The proof that nothing was authenticated: sshd would log the attempt.
  const before = sshd.log().length;
  const error = await SshConnection.connect(sshd.target, options).then(
    connection => {
      connection.close();
      return new Error('connected');
    },
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(SshError);
  expect(sshd.log().slice(before)).not.toMatch(/Accepted|Failed publickey|Postponed/);
  return error as SshError;
}

async function connects(options: ConnectOptions): Promise<void> {
  const connection = await SshConnection.connect(sshd.target, options);
  expect((await connection.exec(['true'])).code).toBe(0);
  connection.close();
}

const name = () => `[127.0.0.1]:${sshd.port}`;

test('trusts a plain [host]:port entry', () => connects(withKnownHosts(`${name()} ${sshd.hostKey()}\n`).options));

test('trusts an entry in a list with wildcards', () =>
  connects(withKnownHosts(`other.example,[127.0.0.?]:* ${sshd.hostKey()}\n`).options));

test('trusts an entry hashed by ssh-keygen', async () => {
  const { file, options } = withKnownHosts(`${name()} ${sshd.hostKey()}\n`);
  execFileSync('ssh-keygen', ['-H', '-f', file], { stdio: 'ignore' });
  expect(readFileSync(file, 'utf8')).toMatch(/^\|1\|/);
  await connects(options);
});

test.each(['ecdsa', 'rsa'] as const)('asks for the recorded key type first: %s', type =>
  connects(withKnownHosts(`${name()} ${sshd.hostKey(type)}\n`).options),
);

test('refuses an unknown host when nobody can be asked, and says what to do', async () => {
  const { file, options } = withKnownHosts('this line is broken\n');
  const error = await failure(options);
  expect(error.code).toBe('host-unknown');
  expect(error.message).toContain(sshd.target);
  expect(error.message).toContain(file);
  expect(error.message).toContain('SHA256:');
  expect(error.message).toMatch(/Line 1 of/);
});

test('an entry for port 22 does not vouch for another port', async () => {
  expect((await failure(withKnownHosts(`127.0.0.1 ${sshd.hostKey()}\n`).options)).code).toBe('host-unknown');
});

test('a negated pattern takes the entry away', async () => {
  const error = await failure(withKnownHosts(`[127.0.0.1]:*,!${name()} ${sshd.hostKey()}\n`).options);
  expect(error.code).toBe('host-unknown');
});

test('refuses a changed key with file, line, and both fingerprints; never asks', async () => {
  const { file, options } = withKnownHosts(`# a comment\n${name()} ${publicHalf(other)}\n`);
  const error = await failure({ ...options, askHostKey: async () => 'accept-once' });
  expect(error.code).toBe('host-key-changed');
  expect(error.message).toContain(`${file}:2`);
  const fingerprints = [other, sshd.hostKeyFile('ed25519')].map(
    path => execFileSync('ssh-keygen', ['-lf', `${path}.pub`], { encoding: 'utf8' }).split(' ')[1]!,
  );
  for (const fingerprint of fingerprints) expect(error.message).toContain(fingerprint);
});

test('a changed key stays refused with StrictHostKeyChecking no', async () => {
  const { file, options } = withKnownHosts(`${name()} ${publicHalf(other)}\n`);
  const config = join(sshd.folder, 'lax');
  writeFileSync(config, 'StrictHostKeyChecking no\n');
  expect((await failure({ ...options, configFile: config })).code).toBe('host-key-changed');
  expect(readFileSync(file, 'utf8')).not.toContain(sshd.hostKey());
});

test('refuses a revoked key even when it is recorded as well', async () => {
  const { file, options } = withKnownHosts(`${name()} ${sshd.hostKey()}\n@revoked * ${sshd.hostKey()}\n`);
  const error = await failure(options);
  expect(error.code).toBe('host-key-revoked');
  expect(error.message).toContain(`${file}:2`);
});

test('says that a certificate authority alone is not enough', async () => {
  const { file, options } = withKnownHosts(`@cert-authority * ${publicHalf(other)}\n`);
  const error = await failure(options);
  expect(error.code).toBe('host-unknown');
  expect(error.message).toContain(`${file}:1`);
  expect(error.message).toContain('certificate');
});

test('asks once for a new host with concurrent connections, records it, then knows it', async () => {
  const folder = freshFolder();
  const file = join(folder, 'ssh', 'known_hosts');
  const options = { configFile: 'none', override: { ...sshd.override, userKnownHostsFiles: [file] } };
  const questions: HostKeyQuestion[] = [];
  const askHostKey = async (question: HostKeyQuestion) => {
    questions.push(question);
    await new Promise(next => setTimeout(next, 200));
    return 'accept-and-save' as const;
  };
  await Promise.all([1, 2, 3].map(() => connects({ ...options, askHostKey })));
  expect(questions).toHaveLength(1);
  expect(questions[0]).toMatchObject({ host: name(), keyType: 'ssh-ed25519', file });
  expect(readFileSync(file, 'utf8')).toBe(`${name()} ${sshd.hostKey()}\n`);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, 'ssh')).mode & 0o777).toBe(0o700);
  await connects(options);
  execFileSync('rm', ['-r', folder]);
});

test('appends after a line without newline, hashed when the config says so', async () => {
  const { file, options } = withKnownHosts(`elsewhere ${publicHalf(other)}`);
  const config = join(sshd.folder, 'hashing');
  writeFileSync(config, 'HashKnownHosts yes\n');
  await connects({ ...options, configFile: config, askHostKey: async () => 'accept-and-save' });
  const lines = readFileSync(file, 'utf8').split('\n');
  expect(lines).toHaveLength(3);
  expect(lines[0]).toBe(`elsewhere ${publicHalf(other)}`);
  expect(lines[1]).toMatch(/^\|1\|/);
  // OpenSSH itself finds the line.
  expect(execFileSync('ssh-keygen', ['-F', name(), '-f', file], { encoding: 'utf8' })).toContain('line 2');
  await connects(options);
});

test('a refusal refuses, and accept-once writes nothing', async () => {
  const { file, options } = withKnownHosts('');
  expect((await failure({ ...options, askHostKey: async () => 'refuse' })).code).toBe('host-unknown');
  await connects({ ...options, askHostKey: async () => 'accept-once' });
  expect(readFileSync(file, 'utf8')).toBe('');
});

test('accept-new records without asking; yes refuses without asking', async () => {
  const { file, options } = withKnownHosts('');
  const config = join(sshd.folder, 'strict');
  const askHostKey = async () => {
    throw new Error('asked');
  };
  writeFileSync(config, 'StrictHostKeyChecking yes\n');
  expect((await failure({ ...options, configFile: config, askHostKey })).code).toBe('host-unknown');
  writeFileSync(config, 'StrictHostKeyChecking accept-new\n');
  await connects({ ...options, configFile: config, askHostKey });
  expect(readFileSync(file, 'utf8')).toContain(sshd.hostKey());
});

test('time spent on the question does not count as connecting', async () => {
  const { options } = withKnownHosts('');
  const askHostKey = async () => {
    await new Promise(next => setTimeout(next, 1500));
    return 'accept-once' as const;
  };
  await connects({ ...options, connectTimeoutMs: 1200, askHostKey });
});
