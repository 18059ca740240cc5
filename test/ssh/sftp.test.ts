import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SshConnection } from '../../src/ssh/connection';
import type { RemoteFiles } from '../../src/ssh/contract';
import { SftpError } from '../../src/ssh/errors';
import { type Sshd, startSshd, stopAll } from './sshd';

let sshd: Sshd;
let connection: SshConnection;
let files: RemoteFiles;
const at = (name: string) => join(sshd.folder, name);

beforeAll(async () => {
  sshd = await startSshd();
  connection = await SshConnection.connect(sshd.target, { configFile: 'none', override: sshd.override });
  files = await connection.sftp();
});
afterAll(async () => {
  connection.close();
  await stopAll();
});

test('writes whole files over old ones and leaves no temporary file', async () => {
  const folder = at('write');
  mkdirSync(folder);
  const big = Buffer.alloc(3_000_000, 'abc');
  await files.writeFile(join(folder, 'a'), 'old');
  await files.writeFile(join(folder, 'a'), big, { mode: 0o600 });
  expect(readFileSync(join(folder, 'a')).equals(big)).toBe(true);
  expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o600);
  expect((await files.readFile(join(folder, 'a'))).equals(big)).toBe(true);
  expect(readdirSync(folder)).toEqual(['a']);
});

test('a write that cannot replace its goal leaves nothing behind', async () => {
  const folder = at('blocked');
  mkdirSync(join(folder, 'a', 'full'), { recursive: true });
  await expect(files.writeFile(join(folder, 'a'), 'x')).rejects.toBeInstanceOf(SftpError);
  expect(readdirSync(folder)).toEqual(['a']);
});

test('reads no more than allowed, and files of unknown size', async () => {
  writeFileSync(at('ten'), '0123456789');
  await expect(files.readFile(at('ten'), { maxBytes: 9 })).rejects.toThrow('10 bytes');
  expect((await files.readFile(at('ten'), { maxBytes: 10 })).toString()).toBe('0123456789');
  expect((await files.readFile('/proc/self/status')).toString()).toContain('Name:');
});

test('exactly one of many creates a file', async () => {
  const results = await Promise.all(
    Array.from({ length: 10 }, (_, n) => files.createExclusive(at('lock'), `owner ${n}`)),
  );
  expect(results.filter(Boolean)).toHaveLength(1);
  expect(readFileSync(at('lock'), 'utf8')).toBe(`owner ${results.indexOf(true)}`);
  symlinkSync(at('nowhere'), at('dangling'));
  expect(await files.createExclusive(at('dangling'), 'x')).toBe(false);
  await expect(files.createExclusive(at('no/such/folder'), 'x')).rejects.toMatchObject({ status: 2 });
  await files.unlink(at('lock'));
  expect(await files.createExclusive(at('lock'), 'x')).toBe(true);
});

test('stat tells kinds and absence apart', async () => {
  chmodSync(at('ten'), 0o640);
  expect(await files.stat(at('ten'))).toMatchObject({ kind: 'file', size: 10, mode: 0o640 });
  expect(await files.stat(sshd.folder)).toMatchObject({ kind: 'directory' });
  expect(await files.stat(at('absent'))).toBeUndefined();
});

test('makes folders with those above them, twice and at once', async () => {
  await Promise.all([files.mkdirp(at('deep/er/still')), files.mkdirp(at('deep/er/still'))]);
  await files.writeFile(at('deep/er/still/b'), '');
  await files.writeFile(at('deep/er/still/a'), '');
  expect(await files.readdir(at('deep/er/still'))).toEqual(['a', 'b']);
  await expect(files.mkdirp(at('ten'))).rejects.toBeInstanceOf(SftpError);
});

test('errors name host, path and operation', async () => {
  await expect(files.readFile(at('absent'))).rejects.toMatchObject({ code: 'channel', status: 2, path: at('absent') });
  await expect(files.unlink(at('absent'))).rejects.toThrow(`sftp unlink ${at('absent')} on ${sshd.target}`);
});
