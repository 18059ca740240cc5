import type { ServerHostKeyAlgorithm } from 'ssh2';
import { nameOf, type ResolvedTarget } from './config';
import type { HostKeyAnswer, HostKeyQuestion, SshPrompts } from './contract';
import { SshError } from './errors';
import { addKnownHost, fingerprint, type KnownHost, KnownHosts, keyTypeOf, knownHostsName } from './known-hosts';

// SHA-1 signatures (ssh-rsa) and DSA are left out, as OpenSSH does.
const algorithmsByType: readonly (readonly [keyType: string, algorithms: readonly ServerHostKeyAlgorithm[]])[] = [
  ['ssh-ed25519', ['ssh-ed25519']],
  ['ecdsa-sha2-nistp256', ['ecdsa-sha2-nistp256']],
  ['ecdsa-sha2-nistp384', ['ecdsa-sha2-nistp384']],
  ['ecdsa-sha2-nistp521', ['ecdsa-sha2-nistp521']],
  ['ssh-rsa', ['rsa-sha2-512', 'rsa-sha2-256']],
];

function filesOf(target: ResolvedTarget): KnownHosts {
  return new KnownHosts([...target.userKnownHostsFiles, ...target.globalKnownHostsFiles]);
}

/** Host key algorithms to offer, types recorded for this host first: a known host must not look like a changed one. */
export function hostKeyAlgorithms(target: ResolvedTarget): ServerHostKeyAlgorithm[] {
  const recorded = filesOf(target).typesOf(knownHostsName(target));
  const known = algorithmsByType.filter(([type]) => recorded.includes(type));
  const rest = algorithmsByType.filter(([type]) => !recorded.includes(type));
  return [...known, ...rest].flatMap(([, algorithms]) => algorithms);
}

// Questions on their way, so that a hundred connections to one new host ask once; and keys accepted for this process.
const asking = new Map<string, Promise<HostKeyAnswer>>();
const acceptedOnce = new Set<string>();

/**
 * Resolves when the key may be trusted; runs before anything is authenticated.
 * @throws SshError `host-unknown`, `host-key-changed`, `host-key-revoked`.
 */
export async function verifyHostKey(
  target: ResolvedTarget,
  key: Buffer,
  askHostKey: SshPrompts['askHostKey'],
): Promise<void> {
  const host = knownHostsName(target);
  const name = nameOf(target);
  const known = filesOf(target);
  const verdict = known.judge(host, key);
  const shown = `${keyTypeOf(key) ?? 'unknown type'} ${fingerprint(key)}`;
  switch (verdict.outcome) {
    case 'trusted':
      return;
    case 'revoked':
      throw new SshError(
        'host-key-revoked',
        `${name} shows the host key ${shown}, which ${place(verdict.by)} marks as revoked. Nothing was sent. Ask who runs this host why it still uses that key.`,
        { target: name },
      );
    case 'changed':
      throw new SshError('host-key-changed', changedText(name, host, shown, verdict.recorded), { target: name });
  }
  const file = target.userKnownHostsFiles[0];
  const identity = `${file ?? ''}\n${host}\n${key.toString('base64')}`;
  if (acceptedOnce.has(identity)) return;
  const [authority] = verdict.authorities;
  const note = authority
    ? `${place(authority)} trusts a certificate authority for it, but Virtbook does not verify host certificates: the host's own key must be recorded.`
    : undefined;
  const refused = (why: string) => {
    const [problem] = known.problems;
    const bad = problem ? ` Line ${problem.line} of ${problem.file} was not understood: ${problem.text}.` : '';
    return new SshError(
      'host-unknown',
      `The host key of ${name} is not known: ${shown}. ${why}${note ? ` ${note}` : ''}${bad}`,
      {
        target: name,
      },
    );
  };
  if (target.strictHostKeyChecking === 'yes')
    throw refused(
      `StrictHostKeyChecking is yes, so it is not asked about. Add it to ${file ?? 'a known_hosts file'} as "${host}".`,
    );
  if (target.strictHostKeyChecking !== 'ask') {
    if (file !== undefined) addKnownHost(file, host, key, { hash: target.hashKnownHosts });
    return;
  }
  if (askHostKey === undefined)
    throw refused(
      `Nobody can be asked here. Connect once where you can answer (virtbook in a terminal, VS Code, or ssh), compare the fingerprint, and it is recorded in ${file ?? 'known_hosts'}.`,
    );
  const answer = await askOnce(identity, askHostKey, {
    target: target.given,
    host,
    keyType: keyTypeOf(key) ?? 'unknown',
    fingerprint: fingerprint(key),
    file: file ?? '',
    ...(note ? { note } : {}),
  });
  if (answer === 'refuse') throw refused('It was not accepted when asked.');
  if (answer === 'accept-once' || file === undefined) acceptedOnce.add(identity);
  // The first of several waiting connections has written it already.
  else if (filesOf(target).judge(host, key).outcome === 'unknown')
    addKnownHost(file, host, key, { hash: target.hashKnownHosts });
}

function askOnce(
  identity: string,
  ask: NonNullable<SshPrompts['askHostKey']>,
  question: HostKeyQuestion,
): Promise<HostKeyAnswer> {
  const running = asking.get(identity);
  if (running) return running;
  const answer = ask(question).finally(() => asking.delete(identity));
  asking.set(identity, answer);
  return answer;
}

function place(entry: KnownHost): string {
  return `${entry.file}:${entry.line}`;
}

function changedText(name: string, host: string, shown: string, recorded: readonly KnownHost[]): string {
  const places = recorded.map(entry => `${place(entry)} has ${entry.keyType} ${fingerprint(entry.key)}`).join('; ');
  return (
    `The host key of ${name} has changed: it shows ${shown}, but ${places}. ` +
    'Someone may be in between, or the host was installed anew. Nothing was sent. ' +
    `If you know that it was changed, remove the old line (ssh-keygen -R '${host}' -f ${recorded[0]!.file}) and connect again.`
  );
}
