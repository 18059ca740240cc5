import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import type { Person } from '../runner/contract';
import { whoAmI } from '../runner/who';
import type { SshPrompts } from '../ssh/contract';
import type { Terminal } from './terminal';
import { paint, printable } from './terminal';

/** Asks for a line. undefined: the input ended, the question was withdrawn, or Ctrl+C. */
export function askLine(
  terminal: Terminal,
  question: string,
  options: { secret?: boolean; signal?: AbortSignal } = {},
): Promise<string | undefined> {
  return new Promise(resolve => {
    // What is typed is echoed by readline itself, so a secret needs an output that drops it.
    const output = options.secret ? new Writable({ write: (_chunk, _encoding, done) => done() }) : process.stdout;
    terminal.write(question);
    const reader = createInterface({ input: process.stdin, output, terminal: true });
    let over = false;
    const end = (answer: string | undefined): void => {
      if (over) return;
      // Closing the reader comes here again.
      over = true;
      options.signal?.removeEventListener('abort', withdrawn);
      reader.close();
      if (options.secret || answer === undefined) terminal.write('\n');
      resolve(answer);
    };
    const withdrawn = (): void => end(undefined);
    options.signal?.addEventListener('abort', withdrawn, { once: true });
    reader.once('line', line => end(line));
    reader.once('SIGINT', () => end(undefined));
    reader.once('close', () => end(undefined));
  });
}

/** Asks until one of the choices is given, by its letter. undefined as with {@link askLine}. */
export async function askChoice(
  terminal: Terminal,
  text: string,
  choices: readonly { id: string; key: string; label: string }[],
  signal?: AbortSignal,
): Promise<string | undefined> {
  terminal.write(`${text}\n`);
  for (const { key, label } of choices) terminal.write(`  ${key}) ${label}\n`);
  for (;;) {
    const line = await askLine(terminal, `[${choices.map(choice => choice.key).join('/')}] `, signal ? { signal } : {});
    if (line === undefined) return undefined;
    const found = choices.find(({ id, key }) => key === line.trim().toLowerCase() || id === line.trim().toLowerCase());
    if (found) return found.id;
  }
}

/** Answers what SSH asks and which secrets a run needs, on the terminal. `around` clears the screen for it. */
export function personAtTerminal(terminal: Terminal, around: <T>(ask: () => Promise<T>) => Promise<T>): Person {
  return {
    name: whoAmI(),
    hostKey: (question, signal) =>
      around(async () => {
        const answer = await askChoice(
          terminal,
          `The host key of ${printable(question.target)} is not known.\n` +
            `${question.keyType} key of ${printable(question.host)}: ${question.fingerprint}\n` +
            'Compare it with what the administrator of that host gives you.',
          [
            { id: 'accept-and-save', key: 'y', label: `trust it, and remember it in ${question.file}` },
            { id: 'accept-once', key: 'o', label: 'trust it this once' },
            { id: 'refuse', key: 'n', label: 'refuse' },
          ],
          signal,
        );
        return answer === 'accept-and-save' || answer === 'accept-once' ? answer : 'refuse';
      }),
    passphrase: (keyPath, attempt, signal) =>
      around(() => askSecret(terminal, `Passphrase of ${printable(keyPath)}`, attempt, signal)),
    password: (target, attempt, signal) =>
      around(() => askSecret(terminal, `Password of ${printable(target)}`, attempt, signal)),
    keyboard: (target, prompts, signal) =>
      around(async () => {
        const answers: string[] = [];
        for (const { prompt, echo } of prompts) {
          const answer = await askLine(terminal, `${printable(target)}: ${printable(prompt)} `, {
            secret: !echo,
            signal,
          });
          if (answer === undefined) return undefined;
          answers.push(answer);
        }
        return answers;
      }),
    secret: ({ name, text, runbook, problem, variable }, signal) =>
      around(() => {
        if (problem !== undefined) terminal.write(`${paint(terminal, 'red', printable(problem))}\n`);
        const what = text === name ? name : `${text} (${name})`;
        const question = `${printable(runbook)} needs a secret, which is kept nowhere. ${printable(what)}`;
        return askSecret(terminal, `${question}, or set ${variable}`, 1, signal);
      }),
  };
}

/** For connections of this process: asks one thing at a time; without a person nothing is asked, and SSH refuses what it doesn't know. */
export function askingSsh(terminal: Terminal): SshPrompts {
  if (!terminal.interactive) return {};
  let asking: Promise<unknown> = Promise.resolve();
  const person = personAtTerminal(terminal, ask => {
    const asked = asking.then(ask);
    asking = asked.catch(() => undefined);
    return asked;
  });
  const { signal } = new AbortController();
  return {
    askHostKey: question => person.hostKey!(question, signal),
    askPassphrase: (keyPath, attempt) => person.passphrase!(keyPath, attempt, signal),
    askPassword: (target, attempt) => person.password!(target, attempt, signal),
    askKeyboard: (target, prompts) => person.keyboard!(target, prompts, signal),
  };
}

async function askSecret(
  terminal: Terminal,
  what: string,
  attempt: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const again = attempt > 1 ? 'That was not right. ' : '';
  const answer = await askLine(terminal, `${again}${what} (empty to skip): `, { secret: true, signal });
  return answer === '' ? undefined : answer;
}
