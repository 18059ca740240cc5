import type { AnyAuthMethod, AuthenticationType, NextAuthHandler } from 'ssh2';
import { nameOf, type ResolvedTarget } from './config';
import type { SshPrompts } from './contract';
import { type KeyFile, unlock } from './key-file';
import { type Asking, Keyring } from './keyring';

export interface AuthenticationOptions {
  target: ResolvedTarget;
  prompts: SshPrompts;
  asking: Asking;
  /** Told every secret given, so that it can be struck from traces. */
  onSecret: (secret: string) => void;
}

/** Tries OpenSSH's order: agent and key files, keyboard-interactive, password. Keeps account for the error text. */
export class Authentication {
  readonly tried: string[] = [];
  /** Methods the server said it takes; empty until it did. */
  allowed: readonly string[] = [];
  private readonly options: AuthenticationOptions;
  private readonly attempts: AsyncGenerator<AnyAuthMethod, void, readonly string[] | null>;

  constructor(options: AuthenticationOptions) {
    this.options = options;
    this.attempts = this.steps();
  }

  /** ssh2's authHandler: gives the next attempt, or `false` when there is none. */
  readonly handler = (left: AuthenticationType[] | null, _partial: boolean | null, next: NextAuthHandler): void => {
    if (left) this.allowed = left;
    // The library takes `false` for "no more"; its types leave that out.
    const giveUp = () => (next as (attempt: AnyAuthMethod | false) => void)(false);
    this.attempts.next(left).then(
      result => (result.done ? giveUp() : next(result.value)),
      (error: unknown) => {
        this.tried.push(`a prompt failed (${error instanceof Error ? error.message : String(error)})`);
        giveUp();
      },
    );
  };

  private async *steps(): AsyncGenerator<AnyAuthMethod, void, readonly string[] | null> {
    const { target } = this.options;
    const username = target.user;
    if (target.pubkeyAuthentication) yield* this.keys();
    // Costs nothing and says which methods are left; with no key at all it is how the server is asked in the first place.
    yield { type: 'none', username };
    const takes = (method: string) => this.allowed.length === 0 || this.allowed.includes(method);
    if (takes('keyboard-interactive') && target.keyboardAuthentication) yield* this.keyboard();
    if (takes('password') && target.passwordAuthentication) yield* this.passwords();
  }

  private async *keys(): AsyncGenerator<AnyAuthMethod, void, readonly string[] | null> {
    const { target, prompts } = this.options;
    const username = target.user;
    const ask =
      prompts.askPassphrase &&
      (async (path: string, attempt: number) => {
        const passphrase = await prompts.askPassphrase?.(path, attempt);
        if (passphrase) this.options.onSecret(passphrase);
        return passphrase;
      });
    // The clock stands still for the whole of it: another connection may be the one that asks.
    const open = (file: KeyFile) => this.options.asking(() => unlock(file, ask));
    const ring = await Keyring.load(target, open, this.options.asking);
    this.tried.push(...ring.skipped);
    if (ring.identities.length > 0) {
      this.tried.push(...ring.identities.map(identity => identity.label));
      yield { type: 'agent', username, agent: ring };
    }
    for (const file of ring.sealed) {
      const key = await open(file);
      if (key === undefined) this.tried.push(`key ${file.path}: it is encrypted and was not unlocked`);
      else {
        this.tried.push(`key ${file.path}`);
        // A parsed key is taken as it is, which the library's types do not say.
        yield { type: 'publickey', username, key: key as unknown as string };
      }
    }
  }

  private async *keyboard(): AsyncGenerator<AnyAuthMethod, void, readonly string[] | null> {
    const { target, prompts } = this.options;
    const { askKeyboard } = prompts;
    if (askKeyboard === undefined) return;
    this.tried.push('keyboard-interactive');
    yield {
      type: 'keyboard-interactive',
      username: target.user,
      prompt: (_name, _instructions, _lang, questions, finish) => {
        const shaped = questions.map(question => ({ prompt: question.prompt, echo: question.echo ?? false }));
        this.options
          .asking(() => askKeyboard(nameOf(target), shaped))
          .then(
            answers => {
              for (const answer of answers ?? []) this.options.onSecret(answer);
              finish([...(answers ?? [])]);
            },
            () => finish([]),
          );
      },
    };
  }

  private async *passwords(): AsyncGenerator<AnyAuthMethod, void, readonly string[] | null> {
    const { target, prompts } = this.options;
    const { askPassword } = prompts;
    if (askPassword === undefined) return;
    for (let attempt = 1; attempt <= 3; attempt++) {
      const password = await this.options.asking(() => askPassword(nameOf(target), attempt));
      if (password === undefined) return;
      this.options.onSecret(password);
      if (attempt === 1) this.tried.push('password');
      yield { type: 'password', username: target.user, password };
    }
  }

  /** One sentence for people, without secrets. */
  explain(): string {
    const { target } = this.options;
    const tried =
      this.tried.length > 0 ? `Tried: ${this.tried.join('; ')}.` : 'There was nothing to try: no key file, no agent.';
    const allowed = this.allowed.length > 0 ? ` The server takes: ${this.allowed.join(', ')}.` : '';
    return `${nameOf(target)} let nobody in as "${target.user}". ${tried}${allowed} Check the user, or put your public key into ~${target.user}/.ssh/authorized_keys there.`;
  }
}
