import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Workspace } from '../runner/built';

// A person at a terminal (made by `script`) who is being asked something at the moment at which it is no question any more.

let at: Workspace;
beforeAll(async () => {
  at = await Workspace.create();
}, 60_000);
afterAll(() => at?.remove());
beforeEach(() => at.resetLab());

const open: ChildProcess[] = [];
afterEach(() => {
  for (const child of open.splice(0)) child.kill('SIGKILL');
});

class Person {
  #text = '';
  #heard: (() => void) | undefined;
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;

  constructor(command: string) {
    const shell = `exec ${process.execPath} ${at.cli} ${command}`;
    const child = spawn('script', ['-qfec', shell, '/dev/null'], {
      cwd: at.folder,
      env: at.env({ TERM: 'xterm', CI: '' }),
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child = child;
    open.push(child);
    child.stdout.setEncoding('utf8').on('data', text => {
      this.#text += text;
      this.#heard?.();
    });
    this.ended = new Promise(resolve => child.on('close', resolve));
  }

  get text(): string {
    return this.#text;
  }

  async reads(text: string): Promise<void> {
    while (!this.#text.includes(text)) {
      await new Promise<void>(resolve => {
        this.#heard = resolve;
      });
    }
  }

  types(text: string): void {
    this.#child.stdin!.write(text);
  }
}

describe.skipIf(process.platform !== 'linux')('a terminal that asks something when the run ends', () => {
  const gated = `
- id: gate
  approve: { message: "Go on?" }
`;

  it('is done, too: what was asked is taken back', async () => {
    at.runbook('asked', gated);
    const person = new Person('run asked.runbook.yaml --yes');
    await person.reads('[y/n/l]');
    expect(await at.run(['approve', 'latest'])).toMatchObject({ code: 0 });
    expect(await person.ended).toBe(0);
    expect(person.text).toContain('asked: done');
    // Nothing is drawn below the end.
    expect(person.text.slice(person.text.indexOf('asked: done'))).not.toContain('of 1 steps');
  });

  it('is done, too, when Ctrl+C had been pressed: there is nothing to stop', async () => {
    at.runbook('stopped', gated);
    const person = new Person('run stopped.runbook.yaml --yes');
    await person.reads('[y/n/l]');
    person.types('l\r');
    await person.reads('Others decide with');
    person.types('\x03');
    await person.reads('[k/r/d/c]');
    expect(await at.run(['approve', 'latest'])).toMatchObject({ code: 0 });
    expect(await person.ended).toBe(0);
    expect(person.text).toContain('stopped: done');
    expect(person.text).not.toContain('The run goes on');
  });
});
