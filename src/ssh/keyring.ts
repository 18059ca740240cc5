import { BaseAgent, createAgent, type ParsedKey, type SignCallback, type SigningRequestOptions } from 'ssh2';
import type { ResolvedTarget } from './config';
import { type KeyFile, readKeyFile } from './key-file';
import { fingerprint } from './known-hosts';

/** A key that can be offered to a server: the server sees the public half first, and only then is it unlocked. */
interface Identity {
  publicKey: ParsedKey;
  label: string;
  sign: (data: Buffer, hash: string | undefined) => Promise<Buffer>;
}

/** Runs something that may wait for a person, while the clock of the connect stands still. */
export type Asking = <T>(question: () => Promise<T>) => Promise<T>;

export type Unlock = (file: KeyFile) => Promise<ParsedKey | undefined>;

/** All keys for a target as one ssh2 agent, in OpenSSH's order: agent keys named in the config, other agent keys, key files. */
export class Keyring extends BaseAgent<ParsedKey> {
  readonly identities: readonly Identity[];
  /** Encrypted files whose public half is not known: they have to be unlocked before they can be offered. */
  readonly sealed: readonly KeyFile[];
  /** What cannot be offered, and why. */
  readonly skipped: readonly string[];

  private readonly asking: Asking;

  private constructor(identities: Identity[], sealed: KeyFile[], skipped: string[], asking: Asking) {
    super();
    this.asking = asking;
    this.identities = identities;
    this.sealed = sealed;
    this.skipped = skipped;
  }

  static async load(target: ResolvedTarget, unlock: Unlock, asking: Asking): Promise<Keyring> {
    const skipped: string[] = [];
    const files: KeyFile[] = [];
    for (const path of target.identityFiles) {
      // A missing file may still have its public half beside it: the agent holds the rest.
      const file = readKeyFile(path) ?? readKeyFile(`${path}.pub`);
      if (file === undefined) {
        if (target.identityFilesConfigured) skipped.push(`key ${path}: no such file`);
      } else if (file.unusable !== undefined) skipped.push(`key ${path}: ${file.unusable}`);
      else files.push(file);
    }
    let held: ParsedKey[] = [];
    if (target.agent !== undefined) {
      try {
        held = await listAgent(target.agent);
        if (held.length === 0) skipped.push(`agent ${target.agent}: it holds no keys`);
      } catch {
        skipped.push(`agent ${target.agent}: it does not answer`);
      }
    }
    const blob = (key: ParsedKey) => key.getPublicSSH().toString('base64');
    const agentByBlob = new Map(held.map(key => [blob(key), key]));
    const named = new Set<string>();
    const first: Identity[] = [];
    const last: Identity[] = [];
    for (const file of files) {
      if (file.publicKey === undefined) continue;
      const key = agentByBlob.get(blob(file.publicKey));
      if (key) {
        named.add(blob(key));
        first.push(fromAgent(target.agent!, key, file.path));
      } else if (file.privateKey || file.encrypted) last.push(fromFile(file, file.publicKey, unlock));
      else skipped.push(`key ${file.path}: the private half is neither beside it nor in the agent`);
    }
    const others = target.identitiesOnly ? [] : held.filter(key => !named.has(blob(key)));
    return new Keyring(
      [...first, ...others.map(key => fromAgent(target.agent!, key)), ...last],
      files.filter(file => file.publicKey === undefined),
      skipped,
      asking,
    );
  }

  override getIdentities(callback: (error: Error | undefined, keys?: ParsedKey[]) => void): void {
    callback(
      undefined,
      this.identities.map(identity => identity.publicKey),
    );
  }

  override sign(
    publicKey: ParsedKey,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    callback?: SignCallback,
  ): void {
    const done = typeof options === 'function' ? options : callback!;
    const hash = typeof options === 'function' ? undefined : options.hash;
    const identity = this.identities.find(candidate => candidate.publicKey === publicKey);
    if (identity === undefined) done(new Error('The server asks for a key that was not offered.'));
    // An agent may want a touch or a click for it: that is a person's time, not the network's.
    else
      this.asking(() => identity.sign(data, hash)).then(
        signature => done(undefined, signature),
        (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
      );
  }
}

// Listings on their way: connections made at once share one question to the agent.
const listing = new Map<string, Promise<ParsedKey[]>>();

function listAgent(socket: string): Promise<ParsedKey[]> {
  const running = listing.get(socket);
  if (running) return running;
  const work = new Promise<ParsedKey[]>((resolve, reject) => {
    const agent: BaseAgent = createAgent(socket);
    agent.getIdentities((error, keys) => {
      if (error) reject(error);
      else resolve((keys ?? []).filter((key): key is ParsedKey => typeof key === 'object' && 'getPublicSSH' in key));
    });
  }).finally(() => listing.delete(socket));
  listing.set(socket, work);
  return work;
}

function fromAgent(socket: string, publicKey: ParsedKey, path?: string): Identity {
  const name = path ?? publicKey.comment;
  return {
    publicKey,
    label: `agent key ${name ? `${name} ` : ''}(${fingerprint(publicKey.getPublicSSH())})`,
    sign: (data, hash) =>
      new Promise((resolve, reject) => {
        const agent: BaseAgent = createAgent(socket);
        const options = (hash === undefined ? {} : { hash }) as SigningRequestOptions;
        agent.sign(publicKey, data, options, (error, signature) => {
          if (error || signature === undefined) reject(error ?? new Error('The agent gave no signature.'));
          else resolve(Buffer.isBuffer(signature) ? signature : Buffer.from(signature));
        });
      }),
  };
}

function fromFile(file: KeyFile, publicKey: ParsedKey, unlock: Unlock): Identity {
  return {
    publicKey,
    label: `key ${file.path} (${fingerprint(publicKey.getPublicSSH())})`,
    sign: async (data, hash) => {
      const key = file.privateKey ?? (await unlock(file));
      if (key === undefined) throw new Error(`${file.path} is encrypted and was not unlocked`);
      const signature: unknown = key.sign(data, hash);
      if (!Buffer.isBuffer(signature)) throw new Error(`${file.path} cannot sign`);
      return signature;
    },
  };
}
