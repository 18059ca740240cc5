import { createConnection, type Socket } from 'node:net';
import type { DebugEvent, DebugRequest } from '../engine/debug-protocol';
import type { Json } from '../runbook/json';
import { type ApprovalDecision, type Attachment, type DebugSession, type Person, RunRefused } from './contract';
import {
  type FromRunner,
  onMessages,
  type Prompt,
  type PromptAnswer,
  promptKinds,
  send,
  type ToRunner,
} from './control-protocol';

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

/** undefined: nobody listens there. @throws RunRefused while another debugger is attached */
export async function debugAt(path: string, name: string): Promise<DebugSession | undefined> {
  const socket = await connect(path);
  if (!socket) return undefined;
  const session = new DebugClient(socket);
  try {
    await session.attach(name);
  } catch (error) {
    socket.destroy();
    if (error instanceof RunnerGone) return undefined;
    throw error;
  }
  return session;
}

/** It ended before it answered. */
class RunnerGone extends RunRefused {}

type Numbered = Extract<ToRunner, { id: number }>;

/** Requests with an answer each, over one connection. */
class Calls {
  readonly closed: Promise<void>;
  #next = 1;
  readonly #calls = new Map<number, { resolve(result: Json): void; reject(error: Error): void }>();

  constructor(private readonly socket: Socket) {
    this.closed = new Promise(resolve => {
      socket.on('close', () => {
        for (const call of this.#calls.values()) {
          call.reject(
            new RunnerGone('The runner ended before it answered. See `virtbook show` for where the run stands.'),
          );
        }
        this.#calls.clear();
        resolve();
      });
    });
    // `close` follows and says all that matters.
    socket.on('error', () => undefined);
  }

  call(message: (id: number) => Numbered): Promise<Json> {
    const id = this.#next++;
    if (this.socket.destroyed) return Promise.reject(new RunnerGone('The runner has ended.'));
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      send(this.socket, message(id));
    });
  }

  /** Whether it was an answer to one of them. */
  take(message: FromRunner): boolean {
    if (message.type !== 'done' && message.type !== 'refused') return false;
    const call = this.#calls.get(message.id);
    this.#calls.delete(message.id);
    if (message.type === 'done') call?.resolve(message.result ?? null);
    else call?.reject(new RunRefused(message.why));
    return true;
  }
}

class DebugClient implements DebugSession {
  readonly closed: Promise<void>;
  readonly #calls: Calls;
  readonly #listeners: ((event: DebugEvent) => void)[] = [];
  /** Events from before anybody listened. */
  #early: DebugEvent[] | undefined = [];

  constructor(private readonly socket: Socket) {
    this.#calls = new Calls(socket);
    this.closed = this.#calls.closed;
    onMessages(socket, received => {
      const message = received as FromRunner;
      if (this.#calls.take(message) || message.type !== 'debug.event') return;
      this.#early?.push(message.event);
      for (const listener of this.#listeners) listener(message.event);
    });
  }

  async attach(name: string): Promise<void> {
    await this.#calls.call(id => ({ type: 'debug.attach', id, name }));
  }

  request(request: DebugRequest): Promise<Json> {
    return this.#calls.call(id => ({ type: 'debug', id, request }));
  }

  onEvent(listener: (event: DebugEvent) => void): void {
    this.#listeners.push(listener);
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const event of early) listener(event);
  }

  async detach(): Promise<void> {
    try {
      await this.#calls.call(id => ({ type: 'debug.detach', id }));
    } catch (error) {
      // Its runner has gone: there is nothing to let go on.
      if (!(error instanceof RunnerGone)) throw error;
    } finally {
      this.socket.end();
      this.socket.unref();
    }
  }
}

class Client implements Attachment {
  readonly closed: Promise<void>;
  readonly #calls: Calls;
  readonly #prompts = new Map<number, AbortController>();

  constructor(
    private readonly socket: Socket,
    private readonly person: Person,
  ) {
    this.#calls = new Calls(socket);
    this.closed = this.#calls.closed;
    socket.on('close', () => {
      for (const prompt of this.#prompts.values()) prompt.abort();
    });
    onMessages(socket, message => void this.#receive(message as FromRunner));
    send(socket, { type: 'attach', kinds: promptKinds.filter(kind => person[kind] !== undefined) });
  }

  cancel(mode: 'keep' | 'rollback'): Promise<void> {
    return this.#call(id => ({ type: 'cancel', id, mode, by: this.person.name }));
  }

  pause(): Promise<void> {
    return this.#call(id => ({ type: 'pause', id, by: this.person.name }));
  }

  goOn(): Promise<void> {
    return this.#call(id => ({ type: 'continue', id, by: this.person.name }));
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

  async #call(message: (id: number) => Numbered): Promise<void> {
    await this.#calls.call(message);
  }

  async #receive(message: FromRunner): Promise<void> {
    if (this.#calls.take(message)) return;
    switch (message.type) {
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
