import * as vscode from 'vscode';
import type { Person, SecretQuestion } from '../runner/contract';
import type { HostKeyAnswer, HostKeyQuestion, SshPrompts } from '../ssh/contract';

/**
 * Asks for host keys, passphrases, passwords and the secrets of runbooks in VS Code's own dialogs. What a person wants kept goes into VS Code's
 * secret storage, nowhere else.
 */
export class Prompts {
  /** Secrets of this window's session, so that ten hosts behind one key ask once, and a run not again. */
  private readonly session = new Map<string, string>();
  /** Keys that were trusted for this session only. */
  private readonly trusted = new Set<string>();
  /** Questions that are open: who asks the same meanwhile gets the same answer. */
  private readonly open = new Map<string, Promise<unknown>>();

  constructor(private readonly secrets: vscode.SecretStorage) {}

  /** For connections of this window. */
  ssh(): SshPrompts {
    return {
      askHostKey: question => this.hostKey(question),
      askPassphrase: (keyPath, attempt) => this.passphrase(keyPath, attempt),
      askPassword: (target, attempt) => this.password(target, attempt),
      askKeyboard: (target, prompts) => askKeyboard(target, prompts),
    };
  }

  /** For what a run's own process asks. `signal`: somebody else has answered. */
  person(): Person {
    return {
      name: 'VS Code',
      hostKey: (question, signal) => this.hostKey(question, signal),
      passphrase: (keyPath, attempt, signal) => this.passphrase(keyPath, attempt, signal),
      password: (target, attempt, signal) => this.password(target, attempt, signal),
      keyboard: (target, prompts, signal) => askKeyboard(target, prompts, signal),
      secret: (question, signal) => this.runbookSecret(question, signal),
    };
  }

  /** The value of a secret input: from the secret storage, else from the person. Not kept in memory: a run asks once. */
  private runbookSecret(question: SecretQuestion, signal: AbortSignal): Promise<string | undefined> {
    const { name, text, runbook, runbookPath, variable, attempt, problem } = question;
    const prompt = vscode.l10n.t('{0}. Kept nowhere, unless you choose so. Or set {1}.', text, variable);
    return this.secret(
      `secret:${runbookPath}:${name}`,
      attempt,
      { title: vscode.l10n.t('{0}: secret {1}', runbook, name), prompt, again: problem, signal },
      { session: false },
    );
  }

  private async hostKey(question: HostKeyQuestion, signal?: AbortSignal): Promise<HostKeyAnswer> {
    const key = `${question.host} ${question.keyType} ${question.fingerprint}`;
    if (this.trusted.has(key)) return 'accept-once';
    const answer = await this.shared(`host key ${key}`, () => askHostKey(question, signal));
    // Also one that was added to known_hosts: who asked at the same time has read that file already.
    if (answer !== 'refuse') this.trusted.add(key);
    return answer;
  }

  private shared<T>(name: string, ask: () => Promise<T>): Promise<T> {
    const open = this.open.get(name) as Promise<T> | undefined;
    if (open) return open;
    const asked = ask().finally(() => this.open.delete(name));
    this.open.set(name, asked);
    return asked;
  }

  private passphrase(keyPath: string, attempt: number, signal?: AbortSignal): Promise<string | undefined> {
    return this.secret(`passphrase:${keyPath}`, attempt, {
      title: vscode.l10n.t('Passphrase of {0}', keyPath),
      prompt: vscode.l10n.t('The key is unlocked for this connection. Leave empty and press Escape to skip this key.'),
      signal,
    });
  }

  private password(target: string, attempt: number, signal?: AbortSignal): Promise<string | undefined> {
    return this.secret(`password:${target}`, attempt, {
      title: vscode.l10n.t('Password of {0}', target),
      prompt: vscode.l10n.t('Press Escape to give up on this connection.'),
      signal,
    });
  }

  private async secret(
    name: string,
    attempt: number,
    question: { title: string; prompt: string; again?: string; signal?: AbortSignal },
    { session } = { session: true },
  ): Promise<string | undefined> {
    return this.shared(name, async () => {
      if (attempt <= 1) {
        const kept = this.session.get(name) ?? (await this.secrets.get(name));
        if (kept !== undefined) return kept;
      } else {
        // What was kept did not fit.
        this.session.delete(name);
        await this.secrets.delete(name);
      }
      const answer = await askSecret({
        ...question,
        prompt:
          attempt > 1
            ? `${question.again ?? vscode.l10n.t('That was not right.')} ${question.prompt}`
            : question.prompt,
      });
      if (!answer) return undefined;
      if (session) this.session.set(name, answer.text);
      if (answer.keep) {
        await this.secrets.store(name, answer.text);
        await this.remember(name);
      }
      return answer.text;
    });
  }

  private async remember(name: string): Promise<void> {
    const names = new Set(await this.kept());
    await this.secrets.store(INDEX, JSON.stringify([...names.add(name)]));
  }

  /** Names of what is kept; secret storage itself can't list them in the oldest VS Code we run in. */
  private async kept(): Promise<string[]> {
    const names: unknown = JSON.parse((await this.secrets.get(INDEX)) ?? '[]');
    return Array.isArray(names) ? names.filter(name => typeof name === 'string') : [];
  }

  /** Deletes everything that was kept. Gives how many there were. */
  async forget(): Promise<number> {
    const names = await this.kept();
    for (const name of names) await this.secrets.delete(name);
    await this.secrets.delete(INDEX);
    this.session.clear();
    this.trusted.clear();
    return names.length;
  }
}

const INDEX = 'kept';

/** Modal: a key must not be trusted by a click beside the point. */
async function askHostKey(question: HostKeyQuestion, signal?: AbortSignal): Promise<HostKeyAnswer> {
  if (signal?.aborted) return 'refuse';
  const save = vscode.l10n.t('Trust and Remember');
  const once = vscode.l10n.t('Trust Once');
  const answer = await vscode.window.showWarningMessage(
    vscode.l10n.t('Connect to {0} for the first time?', question.target),
    {
      modal: true,
      detail: vscode.l10n.t(
        'No known_hosts file knows {0}. Its {1} key has the fingerprint\n\n{2}\n\nCompare it with what the administrator of that host gives you. "Trust and Remember" adds it to {3}.',
        question.host,
        question.keyType,
        question.fingerprint,
        question.file,
      ),
    },
    save,
    once,
  );
  if (answer === save) return 'accept-and-save';
  return answer === once ? 'accept-once' : 'refuse';
}

function askSecret(question: {
  title: string;
  prompt: string;
  signal?: AbortSignal;
}): Promise<{ text: string; keep: boolean } | undefined> {
  const { signal } = question;
  const input = vscode.window.createInputBox();
  const keepIt = { iconPath: new vscode.ThemeIcon('save'), tooltip: vscode.l10n.t('Keep it in the secret storage') };
  const dropIt = {
    iconPath: new vscode.ThemeIcon('check'),
    tooltip: vscode.l10n.t('It will be kept; click to not keep it'),
  };
  let keep = false;
  input.title = question.title;
  input.prompt = question.prompt;
  input.password = true;
  input.ignoreFocusOut = true;
  input.buttons = [keepIt];
  return new Promise(resolve => {
    const abort = () => input.hide();
    signal?.addEventListener('abort', abort, { once: true });
    input.onDidTriggerButton(() => {
      keep = !keep;
      input.buttons = [keep ? dropIt : keepIt];
    });
    input.onDidAccept(() => {
      resolve({ text: input.value, keep });
      input.hide();
    });
    input.onDidHide(() => {
      resolve(undefined);
      signal?.removeEventListener('abort', abort);
      input.dispose();
    });
    if (signal?.aborted) input.hide();
    else input.show();
  });
}

async function askKeyboard(
  target: string,
  prompts: readonly { prompt: string; echo: boolean }[],
  signal?: AbortSignal,
): Promise<readonly string[] | undefined> {
  const answers: string[] = [];
  for (const { prompt, echo } of prompts) {
    if (signal?.aborted) return undefined;
    const answer = await vscode.window.showInputBox({
      title: target,
      prompt,
      password: !echo,
      ignoreFocusOut: true,
    });
    if (answer === undefined) return undefined;
    answers.push(answer);
  }
  return answers;
}
