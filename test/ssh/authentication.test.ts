import { appendFileSync, chmodSync, copyFileSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Server as SshServer } from 'ssh2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SshConnection } from '../../src/ssh/connection';
import type { ConnectOptions } from '../../src/ssh/contract';
import { SshError } from '../../src/ssh/errors';
import { type Agent, makeKey, type Sshd, startAgent, startSshd, stopAll } from './sshd';

let sshd: Sshd;
let agent: Agent;

beforeAll(async () => {
  sshd = await startSshd({ config: ['MaxAuthTries 20'] });
  agent = await startAgent();
});
afterAll(async () => {
  await agent.stop();
  await stopAll();
});

const allow = (key: string) => appendFileSync(sshd.authorizedKeys, readFileSync(`${key}.pub`));

async function login(options: Partial<ConnectOptions> & { override?: ConnectOptions['override'] }): Promise<void> {
  const connection = await SshConnection.connect(sshd.target, {
    configFile: 'none',
    ...options,
    override: { ...sshd.override, ...options.override },
  });
  connection.close();
}

async function refused(options: Parameters<typeof login>[0]): Promise<SshError> {
  const error = await login(options).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(SshError);
  expect((error as SshError).code).toBe('auth-failed');
  return error as SshError;
}

describe('agent', () => {
  test('a key that only the agent holds', async () => {
    const key = makeKey(join(sshd.folder, 'only-agent'));
    allow(key);
    agent.add(key);
    rmSync(key);
    rmSync(`${key}.pub`);
    await login({ override: { identityFiles: [], identityAgent: agent.socket } });
  });

  test('an RSA key in the agent signs with SHA-2', async () => {
    const key = makeKey(join(sshd.folder, 'agent-rsa'), 'rsa');
    allow(key);
    agent.add(key);
    await login({ override: { identityFiles: [`${key}.pub`], identitiesOnly: true, identityAgent: agent.socket } });
  });

  test('IdentityFile x.pub picks one key of the agent, IdentitiesOnly leaves out the rest', async () => {
    const wanted = makeKey(join(sshd.folder, 'wanted'));
    agent.add(wanted);
    const error = await refused({
      override: { identityFiles: [`${wanted}.pub`], identitiesOnly: true, identityAgent: agent.socket },
    });
    expect(error.message.match(/agent key/g)).toHaveLength(1);
    expect(error.message).toContain(`${wanted}.pub`);
  });

  test('an agent that is gone is named, and key files still work', async () => {
    const missing = join(sshd.folder, 'no-agent');
    await login({ override: { identityAgent: missing } });
    const error = await refused({ override: { identityFiles: [], identityAgent: missing } });
    expect(error.message).toContain(missing);
  });
});

describe('encrypted keys', () => {
  test.each([
    ['OpenSSH format', []],
    ['PEM format', ['-m', 'PEM']],
  ])('%s: asked once for all connections, wrong answers asked again, then kept', async (name, extra) => {
    const key = makeKey(
      join(sshd.folder, `locked-${name.slice(0, 3)}`),
      extra.length > 0 ? 'rsa' : 'ed25519',
      'open sesame',
      extra,
    );
    allow(key);
    rmSync(`${key}.pub`);
    const asked: [string, number][] = [];
    const askPassphrase = async (path: string, attempt: number) => {
      asked.push([path, attempt]);
      return attempt === 1 ? 'wrong' : 'open sesame';
    };
    const options = { override: { identityFiles: [key] }, askPassphrase };
    await Promise.all([login(options), login(options), login(options)]);
    expect(asked).toEqual([
      [key, 1],
      [key, 2],
    ]);
    await login(options);
    expect(asked).toHaveLength(2);
  });

  test('three wrong passphrases end it, and none of them is in the error or the trace', async () => {
    const key = makeKey(join(sshd.folder, 'locked-out'), 'ed25519', 'right');
    allow(key);
    const lines: string[] = [];
    let asked = 0;
    const error = await refused({
      override: { identityFiles: [key] },
      askPassphrase: async () => `wr0ng-secret-${++asked}`,
      debug: line => lines.push(line),
    });
    expect(asked).toBe(3);
    expect(error.message).toContain(key);
    expect(error.message + lines.join()).not.toContain('wr0ng-secret');
  });

  test('is not asked for when the server does not want the key', async () => {
    const key = makeKey(join(sshd.folder, 'unwanted'), 'ed25519', 'secret');
    let asked = 0;
    await refused({
      override: { identityFiles: [key] },
      askPassphrase: async () => {
        asked++;
        return undefined;
      },
    });
    expect(asked).toBe(0);
  });

  test('nobody to ask is said', async () => {
    const key = makeKey(join(sshd.folder, 'lonely'), 'ed25519', 'secret');
    allow(key);
    expect((await refused({ override: { identityFiles: [key] } })).message).toMatch(/encrypted and was not unlocked/);
  });
});

describe('key files', () => {
  test('the error lists what was tried and what the server takes', async () => {
    const [stranger, missing, open] = ['stranger', 'missing', 'open'].map(name => join(sshd.folder, name)) as [
      string,
      string,
      string,
    ];
    makeKey(stranger);
    makeKey(open);
    chmodSync(open, 0o644);
    const { message } = await refused({ override: { identityFiles: [stranger, missing, open] } });
    expect(message).toContain(`key ${stranger} (SHA256:`);
    expect(message).toContain(`key ${missing}: no such file`);
    expect(message).toMatch(new RegExp(`key ${open}: .*chmod 600`));
    expect(message).toContain('The server takes: publickey');
  });

  test('a key replaced on disk is read again', async () => {
    const path = join(sshd.folder, 'replaced');
    makeKey(path);
    await refused({ override: { identityFiles: [path] } });
    copyFileSync(sshd.clientKey, `${path}.new`);
    chmodSync(`${path}.new`, 0o600);
    renameSync(`${path}.new`, path);
    rmSync(`${path}.pub`);
    await login({ override: { identityFiles: [path] } });
  });

  test('a server that cuts after too many keys gives auth-failed', async () => {
    const strict = await startSshd({ config: ['MaxAuthTries 2'] });
    const keys = [1, 2, 3, 4].map(n => makeKey(join(strict.folder, `many${n}`)));
    await expect(
      SshConnection.connect(strict.target, {
        configFile: 'none',
        override: { ...strict.override, identityFiles: keys },
      }),
    ).rejects.toMatchObject({ code: 'auth-failed' });
    await strict.stop();
  });
});

// sshd without PAM checks real accounts' passwords; the library's own server takes its place.
describe('passwords', () => {
  async function passwordServer(
    method: 'password' | 'keyboard-interactive',
  ): Promise<{ target: string; stop(): void }> {
    const server = new SshServer({ hostKeys: [readFileSync(sshd.hostKeyFile())] }, client => {
      client.on('authentication', context => {
        if (context.method === 'password' && method === 'password' && context.password === 'hunter2') context.accept();
        else if (context.method === 'keyboard-interactive' && method === 'keyboard-interactive')
          context.prompt([{ prompt: 'Code: ', echo: false }], answers =>
            answers[0] === '123456' ? context.accept() : context.reject([method]),
          );
        else context.reject([method]);
      });
      client.on('error', () => undefined);
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    return { target: `someone@127.0.0.1:${port}`, stop: () => server.close() };
  }

  const trust = { ...{ askHostKey: async () => 'accept-once' as const }, configFile: 'none' };

  test('asked again when wrong; never in trace', async () => {
    const server = await passwordServer('password');
    const lines: string[] = [];
    const answers = ['wrong', 'hunter2'];
    const connection = await SshConnection.connect(server.target, {
      ...trust,
      override: sshd.override,
      askPassword: async (_target, attempt) => answers[attempt - 1],
      debug: line => lines.push(line),
    });
    connection.close();
    expect(lines.join('\n')).not.toContain('hunter2');
    server.stop();
  });

  test('not asked for when there is no callback; the error says what the server takes', async () => {
    const server = await passwordServer('password');
    await expect(SshConnection.connect(server.target, { ...trust, override: sshd.override })).rejects.toThrow(
      'The server takes: password',
    );
    server.stop();
  });

  test('keyboard-interactive', async () => {
    const server = await passwordServer('keyboard-interactive');
    const connection = await SshConnection.connect(server.target, {
      ...trust,
      override: sshd.override,
      askKeyboard: async (_target, prompts) => prompts.map(() => '123456'),
    });
    connection.close();
    server.stop();
  });
});
