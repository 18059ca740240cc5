import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nameOf, parseTarget, type ResolvedTarget, resolveTarget } from '../../src/ssh/config';
import { SshError } from '../../src/ssh/errors';
import { freshFolder } from './sshd';

let folder: string;
let count = 0;
beforeAll(() => {
  folder = freshFolder();
});
afterAll(() => rmSync(folder, { recursive: true }));

function config(text: string): string {
  const file = join(folder, `config${count++}`);
  writeFileSync(file, text);
  return file;
}

const defaultKeys = ['rsa', 'ecdsa', 'ecdsa_sk', 'ed25519', 'ed25519_sk', 'xmss', 'dsa'].map(
  type => `~/.ssh/id_${type}`,
);

/** What real ssh makes of it, in the words of ResolvedTarget. */
function oracle(file: string, host: string): Record<string, unknown> {
  const text = execFileSync('ssh', ['-G', '-F', file, host], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const all = (keyword: string) =>
    text
      .split('\n')
      .filter(line => line.startsWith(`${keyword} `))
      .map(line => line.slice(keyword.length + 1));
  const one = (keyword: string) => all(keyword)[0];
  const home = (path: string) => path.replace(/^~/, homedir());
  const keys = all('identityfile');
  return {
    host: one('hostname'),
    port: Number(one('port')),
    user: one('user'),
    identityFiles: JSON.stringify(keys) === JSON.stringify(defaultKeys) ? 'default' : keys.map(home),
    identitiesOnly: one('identitiesonly') === 'yes',
    userKnownHostsFiles: one('userknownhostsfile')?.split(' ').map(home),
    globalKnownHostsFiles: one('globalknownhostsfile')?.split(' '),
    strictHostKeyChecking:
      { true: 'yes', false: 'no' }[one('stricthostkeychecking') ?? ''] ?? one('stricthostkeychecking'),
    hostKeyAlias: one('hostkeyalias'),
    hashKnownHosts: one('hashknownhosts') === 'yes',
    serverAliveCountMax: Number(one('serveralivecountmax')),
    connectTimeout: one('connecttimeout') === 'none' ? undefined : Number(one('connecttimeout')),
    proxyjump: one('proxyjump'),
  };
}

function ours(file: string, host: string): Record<string, unknown> {
  const target = resolveTarget(host, { configFile: file });
  const jump = (hop: ResolvedTarget) => hop.given;
  return {
    host: target.host,
    port: target.port,
    user: target.user,
    identityFiles: target.identityFilesConfigured ? target.identityFiles : 'default',
    identitiesOnly: target.identitiesOnly,
    userKnownHostsFiles: target.userKnownHostsFiles,
    globalKnownHostsFiles: target.globalKnownHostsFiles,
    strictHostKeyChecking: target.strictHostKeyChecking,
    hostKeyAlias: target.hostKeyAlias,
    hashKnownHosts: target.hashKnownHosts,
    serverAliveCountMax: target.serverAliveCountMax,
    connectTimeout: target.connectTimeout,
    proxyjump: target.jumps.length > 0 ? target.jumps.map(jump).join(',') : undefined,
  };
}

describe('as ssh -G says', () => {
  test.each([
    ['empty', '', 'host'],
    ['first value wins', 'Host a*\n  User one\nHost ab\n  User two\n  Port 7\n', 'ab'],
    ['negation', 'Host * !ab\n  User one\nHost *\n  User two\n', 'ab'],
    ['question mark is one character', 'Host a?\n  User one\nHost a*\n  User two\n', 'a'],
    ['equals, quotes, tabs, case', 'HOST=ab\n\tUSER = "one"\n  iDentityFile="/k/with space"\n', 'ab'],
    ['values before any Host', 'Port 99\nHost ab\n  Port 7\n', 'ab'],
    ['HostName with %h', 'Host ab\n  HostName %h.Example.org\n', 'ab'],
    ['Match host sees HostName', 'Host ab\n  HostName x.example\nMatch host x.*\n  Port 9\n', 'ab'],
    [
      'Match originalhost',
      'Host ab\n  HostName x\nMatch originalhost ab\n  Port 9\nMatch originalhost x\n  User no\n',
      'ab',
    ],
    ['Match user', 'Match user root,admin\n  Port 9\n', 'admin@h'],
    ['Match negated', 'Match !host ab\n  Port 9\nMatch host * !user root\n  User x\n', 'ab'],
    ['Match all', 'Match all\n  Port 9\n', 'h'],
    [
      'Match final',
      'Match final host x.example\n  Port 9\nMatch final all\n  User late\nHost ab\n  HostName x.example\n',
      'ab',
    ],
    ['Match final adds no key twice', 'IdentityFile /k/a\nMatch final all\n  IdentityFile /k/b\n', 'ab'],
    [
      'several keys',
      'Host ab\n  IdentityFile ~/.ssh/a\n  IdentityFile /k/b\n  IdentitiesOnly yes\nHost *\n  IdentityFile /k/c\n',
      'ab',
    ],
    ['jump chain', 'Host ab\n  ProxyJump one,u@two:44\n', 'ab'],
    ['jump none wins when first', 'Host ab\n  ProxyJump none\nHost *\n  ProxyJump x\n', 'ab'],
    ['ProxyCommand none', 'Host ab\n  ProxyCommand none\nHost *\n  ProxyCommand none\n', 'ab'],
    ['several known_hosts', 'UserKnownHostsFile /k/1 "/k/2"\nGlobalKnownHostsFile /k/3\n', 'ab'],
    ['strictness', 'StrictHostKeyChecking accept-new\nHostKeyAlias Alias\nHashKnownHosts yes\n', 'ab'],
    ['strict off', 'StrictHostKeyChecking off\n', 'ab'],
    ['times', 'ConnectTimeout 1m30s\nServerAliveCountMax 7\n', 'ab'],
    ['comments and blank lines', '# one\n\n  # two\nHost ab # three\n  Port 7 # four\n', 'ab'],
    ['URI', 'Host h\n  Port 9\n  User x\n', 'ssh://u@h:33'],
    ['command line wins', 'Host h\n  Port 9\n  User x\n', 'u@h'],
    ['host is matched as typed', 'Host FOO\n  Port 9\nHost foo\n  Port 10\n', 'FOO'],
    ['CRLF', 'Host ab\r\n  Port 7\r\n', 'ab'],
  ])('%s', (_name, text, host) => {
    const file = config(text);
    expect(ours(file, host)).toEqual(oracle(file, host));
  });

  test('Include, relative paths by glob, inside and outside of Host', () => {
    const parts = join(folder, 'parts');
    mkdirSync(parts);
    writeFileSync(join(parts, '1.conf'), 'Host other\n  User no\nHost ab\n  User one\n');
    writeFileSync(join(parts, '2.conf'), 'User two\nPort 2\n');
    writeFileSync(join(parts, '.hidden.conf'), 'Port 1\n');
    for (const text of [
      `Include ${parts}/*.conf\nPort 3\n`,
      `Host zz\n  Include ${parts}/*.conf\nHost *\n  Port 3\n`,
      `Host ab\n  Include ${parts}/1.conf ${parts}/2.conf\n  Port 3\n`,
      `Include ${parts}/missing\nHost ab\n Include ${parts}/1.conf\n Port 5\n`,
    ]) {
      const file = config(text);
      expect(ours(file, 'ab')).toEqual(oracle(file, 'ab'));
    }
  });

  test('generated files', () => {
    const pattern = fc.constantFrom('*', 'a*', 'ab', '?b', '!ab', '!a*', 'b?', 'AB', 'ab,b*', '*.example');
    const plain = fc.constantFrom('*', 'a*', 'ab', '!ab', '*.example', 'u*');
    const setting = fc.oneof(
      fc.constantFrom('u1', 'u2', 'root').map(value => `User ${value}`),
      fc.integer({ min: 1, max: 65535 }).map(value => `Port ${value}`),
      fc.constantFrom('%h.example', 'x.example', 'ab', '%h').map(value => `HostName ${value}`),
      fc.constantFrom('/k/a', '/k/b', '~/.ssh/c').map(value => `IdentityFile ${value}`),
      fc.constantFrom('yes', 'no').map(value => `IdentitiesOnly ${value}`),
      fc.constantFrom('one', 'two,three', 'none', 'u@four:5').map(value => `ProxyJump ${value}`),
      fc.constantFrom('none', '5', '2m').map(value => `ConnectTimeout ${value}`),
      fc.constantFrom('/k/1', '/k/1 /k/2').map(value => `UserKnownHostsFile ${value}`),
      fc.constantFrom('yes', 'no', 'ask', 'accept-new').map(value => `StrictHostKeyChecking ${value}`),
    );
    const head = fc.oneof(
      fc.array(pattern, { minLength: 1, maxLength: 3 }).map(list => `Host ${list.join(' ')}`),
      fc
        .record({
          kind: fc.constantFrom(
            'host',
            'originalhost',
            'user',
            '!host',
            '!user',
            'final host',
            'final user',
            'canonical host',
          ),
          list: fc.array(plain, { minLength: 1, maxLength: 2 }),
        })
        .map(({ kind, list }) => `Match ${kind} ${list.join(',')}`),
      fc.constantFrom('Match all', 'Match final all'),
    );
    const block = fc
      .record({ head, body: fc.array(setting, { maxLength: 4 }) })
      .map(({ head, body }) => [head, ...body].join('\n  '));
    fc.assert(
      fc.property(
        fc.array(setting, { maxLength: 2 }),
        fc.array(block, { maxLength: 5 }),
        fc.constantFrom('ab', 'b1', 'u1@ab', 'c.example', 'ssh://root@ab:9'),
        (start, blocks, host) => {
          // Jump hosts go by the same file; a circle is refused here and in ssh at different moments.
          const file = config(
            `Host one two three four\n  ProxyJump none\nMatch all\n${[...start, ...blocks].join('\n')}\n`,
          );
          expect(ours(file, host)).toEqual(oracle(file, host));
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('tokens and paths', () => {
  test('tokens of IdentityFile, environment, known hosts', () => {
    process.env.VIRTBOOK_TEST_FOLDER = '/env';
    const file = config(
      'Host ab\n  HostName x.example\n  User me\n  Port 7\n  IdentityFile %d/%h-%r-%p-%n-%%\n  IdentityFile ${VIRTBOOK_TEST_FOLDER}/k\n  UserKnownHostsFile ~/kh-%h\n  IdentityAgent /run/%r.sock\n',
    );
    const target = resolveTarget('ab', { configFile: file });
    expect(target.identityFiles).toEqual([`${homedir()}/x.example-me-7-ab-%`, '/env/k']);
    expect(target.userKnownHostsFiles).toEqual([`${homedir()}/kh-x.example`]);
    expect(target.agent).toBe('/run/me.sock');
  });

  test('IdentityAgent', () => {
    const was = process.env.SSH_AUTH_SOCK;
    process.env.SSH_AUTH_SOCK = '/run/agent';
    process.env.OTHER_AGENT = '/run/other';
    const agentOf = (text: string) => resolveTarget('h', { configFile: config(text) }).agent;
    expect(agentOf('')).toBe('/run/agent');
    expect(agentOf('IdentityAgent SSH_AUTH_SOCK\n')).toBe('/run/agent');
    expect(agentOf('IdentityAgent $OTHER_AGENT\n')).toBe('/run/other');
    expect(agentOf('IdentityAgent none\n')).toBeUndefined();
    if (was === undefined) delete process.env.SSH_AUTH_SOCK;
    else process.env.SSH_AUTH_SOCK = was;
  });

  test('a chain: only the first hop goes by its own ProxyJump', () => {
    const file = config(
      'Host end\n  ProxyJump one,two\nHost one\n  ProxyJump zero\n  User u1\nHost two\n  ProxyJump never\n',
    );
    expect(resolveTarget('end', { configFile: file }).jumps.map(hop => hop.given)).toEqual(['zero', 'one', 'two']);
  });

  test('overrides win, and a change on disk is seen', () => {
    const file = config('Port 7\nUser a\n');
    expect(resolveTarget('h', { configFile: file, override: { port: 8 } })).toMatchObject({ port: 8, user: 'a' });
    writeFileSync(file, 'Port 77\nUser bb\n');
    expect(resolveTarget('h', { configFile: file })).toMatchObject({ port: 77, user: 'bb' });
  });
});

describe('complaints', () => {
  test.each([
    ['Host\n', ':1:', 'a keyword and a value'],
    ['\nHost "ab\n', ':2:', 'quotes'],
    ['Host ab\n  Port seven\n', ':2:', 'no port'],
    ['Match exec "true"\n  Port 7\n', ':1:', 'Match exec is not supported'],
    ['Match nonsense x\n', ':1:', 'not supported'],
    ['Match host\n', ':1:', 'a keyword and a value'],
    ['Host ab\n  ProxyCommand nc %h %p\n', ':2:', 'Use ProxyJump'],
    ['Host ab\n  IdentitiesOnly maybe\n', ':2:', 'yes or no'],
    ['Host ab\n  StrictHostKeyChecking perhaps\n', ':2:', 'perhaps'],
    ['Host ab\n  ConnectTimeout soon\n', ':2:', 'soon'],
    ['Host *\n  ProxyJump bastion\n', ':2:', 'circle'],
  ])('%s', (text, place, words) => {
    const file = config(text);
    const resolving = () => resolveTarget('ab', { configFile: file });
    expect(resolving).toThrow(SshError);
    expect(resolving).toThrow(file + place);
    expect(resolving).toThrow(words);
  });

  test('Match exec on a host it is not for does no harm', () => {
    const file = config('Match host other exec "false"\n  Port 7\n');
    expect(resolveTarget('ab', { configFile: file }).port).toBe(22);
  });

  test('a file that includes itself', () => {
    const file = config('');
    writeFileSync(file, `Include ${file}\n`);
    expect(() => resolveTarget('ab', { configFile: file })).toThrow('16 deep');
  });

  test('a config file that was asked for and is missing', () => {
    expect(() => resolveTarget('ab', { configFile: '/nowhere/config' })).toThrow('/nowhere/config does not exist');
  });

  test('an unknown token', () => {
    const file = config('IdentityFile /k/%Z\n');
    expect(() => resolveTarget('ab', { configFile: file })).toThrow('%Z');
  });
});

describe('targets', () => {
  test.each([
    ['hv1', undefined, 'hv1', undefined],
    ['root@hv1:2222', 'root', 'hv1', 2222],
    ['ssh://u%20x@hv1:1/', 'u x', 'hv1', 1],
    ['u@[fe80::1]:22', 'u', 'fe80::1', 22],
    ['fe80::1', undefined, 'fe80::1', undefined],
    ['a@b@host', 'a@b', 'host', undefined],
  ])('%s', (given, user, host, port) => {
    expect(parseTarget(given)).toEqual({ user, host, port });
  });

  test.each([
    '',
    '@h',
    'h:',
    'h:0',
    'h:65536',
    'h:x',
    '-oProxyCommand=x',
    'a b',
    'h;id',
    'ssh://u:secret@h',
    'ssh://h/path',
    '$(id)',
  ])('refuses %j', given => {
    expect(() => parseTarget(given)).toThrow(SshError);
  });

  test('never shows a password written into a URI', () => {
    expect(() => parseTarget('ssh://u:s3cret@h')).toThrow(/^(?!.*s3cret)/);
  });

  test('IPv6 is named with brackets', () => {
    expect(nameOf({ user: 'u', host: '::1', port: 22 })).toBe('u@[::1]:22');
  });
});
