import { createConnection, type Socket } from 'node:net';
import { type ApprovalDecision, type Attachment, type Person, RunRefused } from './contract';
import { type FromRunner, onMessages, type Prompt, type PromptAnswer, promptKinds, send } from './control-protocol';

function connect(path: string): Promise<Socket | undefined> {
  return new Promise(resolve => {
    const socket = createConnection(path);
    socket.once('connect', () => resolve(socket));
    socket.once('error', () => resolve(undefined));
  });
}

/** Whether a runner answers there. */
export async function ping(path: string, timeoutMs = 2_000): Promise<boolean> {
  const socket = await connect(path);
  if (!socket) return false;
  return new Promise(resolve => {
    const end = (alive: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(alive);
    };
    const timer = setTimeout(() => end(false), timeoutMs);
    socket.on('error', () => end(false));
    socket.on('close', () => end(false));
    onMessages(socket, message => end(message.type === 'pong'));
    send(socket, { type: 'ping' });
  });
}

/** undefined: nobody listens there. */
export async function attachTo(path: string, person: Person): Promise<Attachment | undefined> {
  const socket = await connect(path);
  return socket && new Client(socket, person);
}

class Client implements Attachment {
  readonly closed: Promise<void>;
  #next = 1;
  readonly #calls = new Map<number, { resolve(): void; reject(error: Error): void }>();
  readonly #prompts = new Map<number, AbortController>();

  constructor(
    private readonly socket: Socket,
    private readonly person: Person,
  ) {
    this.closed = new Promise(resolve => {
      socket.on('close', () => {
        for (const prompt of this.#prompts.values()) prompt.abort();
        for (const call of this.#calls.values()) {
          call.reject(
            new RunRefused('The runner ended before it answered. See `virtbook show` for where the run stands.'),
          );
        }
        this.#calls.clear();
        resolve();
      });
    });
    // `close` follows and says all that matters.
    socket.on('error', () => undefined);
    onMessages(socket, message => void this.#receive(message as FromRunner));
    send(socket, { type: 'attach', kinds: promptKinds.filter(kind => person[kind] !== undefined) });
  }

  cancel(mode: 'keep' | 'rollback'): Promise<void> {
    return this.#call(id => ({ type: 'cancel', id, mode, by: this.person.name }));
  }

  answer(question: string, choice: string): Promise<void> {
    return this.#call(id => ({ type: 'answer', id, question, choice, by: this.person.name }));
  }

  approve(
    key: string,
    decision: ApprovalDecision,
    planHash: string,
    options: { as?: string; note?: string } = {},
  ): Promise<void> {
    return this.#call(id => ({ type: 'approve', id, key, planHash, decision, ...options }));
  }

  detach(): void {
    this.socket.end();
    this.socket.unref();
  }

  #call(message: (id: number) => Parameters<typeof send>[1]): Promise<void> {
    const id = this.#next++;
    if (this.socket.destroyed) return Promise.reject(new RunRefused('The runner has ended.'));
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      send(this.socket, message(id));
    });
  }

  async #receive(message: FromRunner): Promise<void> {
    switch (message.type) {
      case 'done':
        this.#calls.get(message.id)?.resolve();
        this.#calls.delete(message.id);
        return;
      case 'refused':
        this.#calls.get(message.id)?.reject(new RunRefused(message.why));
        this.#calls.delete(message.id);
        return;
      case 'prompt.over':
        this.#prompts.get(message.prompt)?.abort();
        return;
      case 'prompt': {
        const over = new AbortController();
        this.#prompts.set(message.prompt, over);
        // A prompt that fails is one that was not answered.
        const value = await this.#ask(message.ask, over.signal).catch(() => undefined);
        this.#prompts.delete(message.prompt);
        if (!over.signal.aborted) send(this.socket, { type: 'reply', prompt: message.prompt, value });
        return;
      }
      case 'pong':
        return;
    }
  }

  async #ask(prompt: Prompt, signal: AbortSignal): Promise<PromptAnswer | undefined> {
    switch (prompt.kind) {
      case 'hostKey':
        return this.person.hostKey?.(prompt.question, signal);
      case 'passphrase':
        return this.person.passphrase?.(prompt.keyPath, prompt.attempt, signal);
      case 'password':
        return this.person.password?.(prompt.target, prompt.attempt, signal);
      case 'keyboard': {
        const answers = await this.person.keyboard?.(prompt.target, prompt.prompts, signal);
        return answers && [...answers];
      }
      case 'secret':
        return this.person.secret?.(prompt.question, signal);
    }
  }
}
