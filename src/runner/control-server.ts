import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { debugRequest } from '../engine/debug-request';
import { type Debugger, DebugRefused } from '../engine/debugger';
import type { CancelMode } from '../engine/journal';
import type { SshPrompts } from '../ssh/contract';
import type { ApprovalDecision, SecretQuestion } from './contract';
import { onMessages, type Prompt, type PromptAnswer, type PromptKind, send, type ToRunner } from './control-protocol';

export interface ControlHandlers {
  runId: string;
  cancel(mode: CancelMode, by: string): Promise<void>;
  /** False when that question is not open, or has no such choice. */
  answer(question: string, choice: string, by: string): Promise<boolean>;
  /** Why it does not count; undefined: it does. */
  approve(approval: Approval): Promise<string | undefined>;
  readonly stops: Debugger;
}

export interface Approval {
  key: string;
  planHash: string;
  decision: ApprovalDecision;
  as?: string;
  note?: string;
}

/** How long a prompt waits while nobody is attached who could answer. */
const defaultUnattendedMs = 60_000;
/** Names and notes are for people. */
const longestText = 2_000;

interface OpenPrompt {
  id: number;
  ask: Prompt;
  resolve(value: PromptAnswer | undefined): void;
  /** Those who were asked and have not declined. */
  asked: Set<Socket>;
  timer?: NodeJS.Timeout;
}

/** A runner's socket: takes cancels and answers, and relays what SSH asks to whoever is attached. The first answer counts. */
export class ControlServer {
  readonly #clients = new Map<Socket, ReadonlySet<PromptKind>>();
  readonly #prompts = new Map<number, OpenPrompt>();
  #next = 1;
  /** The connection that debugs the run. */
  #debugger: Socket | undefined;

  private constructor(
    private readonly server: Server,
    private readonly handlers: ControlHandlers,
    private readonly path: string,
    private readonly unattendedMs: number,
  ) {}

  /** The lock is held, so whatever is at that path is of a runner that has died. */
  static async listen(
    path: string,
    handlers: ControlHandlers,
    unattendedMs = defaultUnattendedMs,
  ): Promise<ControlServer> {
    if (process.platform !== 'win32') rmSync(path, { force: true });
    const server = createServer();
    const control = new ControlServer(server, handlers, path, unattendedMs);
    server.on('connection', socket => control.#connected(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
    return control;
  }

  prompts(): SshPrompts {
    return {
      askHostKey: async question => {
        const answer = await this.#ask({ kind: 'hostKey', question });
        return answer === 'accept-and-save' || answer === 'accept-once' ? answer : 'refuse';
      },
      askPassphrase: async (keyPath, attempt) => asText(await this.#ask({ kind: 'passphrase', keyPath, attempt })),
      askPassword: async (target, attempt) => asText(await this.#ask({ kind: 'password', target, attempt })),
      askKeyboard: async (target, prompts) => {
        const answer = await this.#ask({ kind: 'keyboard', target, prompts: [...prompts] });
        return Array.isArray(answer) && answer.length === prompts.length ? answer : undefined;
      },
    };
  }

  /** undefined: nobody gave it. */
  async askSecret(question: SecretQuestion): Promise<string | undefined> {
    return asText(await this.#ask({ kind: 'secret', question }));
  }

  async close(): Promise<void> {
    for (const prompt of this.#prompts.values()) this.#settle(prompt, undefined);
    for (const socket of this.#clients.keys()) socket.end();
    await new Promise<void>(resolve => {
      this.server.close(() => resolve());
      setTimeout(() => {
        for (const socket of this.#clients.keys()) socket.destroy();
      }, 500).unref();
    });
    if (process.platform !== 'win32') rmSync(this.path, { force: true });
  }

  #connected(socket: Socket): void {
    this.#clients.set(socket, new Set());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#clients.delete(socket);
      if (this.#debugger === socket) {
        this.#debugger = undefined;
        this.handlers.stops.lost();
      }
      for (const prompt of this.#prompts.values()) this.#declined(prompt, socket);
    });
    onMessages(socket, message => void this.#receive(socket, message as ToRunner));
  }

  async #receive(socket: Socket, message: ToRunner): Promise<void> {
    switch (message.type) {
      case 'ping':
        send(socket, { type: 'pong', runId: this.handlers.runId });
        return;
      case 'attach':
        this.#clients.set(socket, new Set(message.kinds));
        for (const prompt of this.#prompts.values()) this.#offer(prompt, socket);
        return;
      case 'cancel':
        return this.#reply(socket, message.id, async () => {
          if (message.mode !== 'keep' && message.mode !== 'rollback') return 'Unknown way to cancel.';
          await this.handlers.cancel(message.mode, String(message.by));
          return undefined;
        });
      case 'answer':
        return this.#reply(socket, message.id, async () =>
          (await this.handlers.answer(String(message.question), String(message.choice), String(message.by)))
            ? undefined
            : 'That question is not open any more, or has no such answer.',
        );
      case 'approve':
        return this.#reply(socket, message.id, async () => {
          const { decision } = message;
          if (decision !== 'approve' && decision !== 'reject') return 'Only `approve` and `reject` decide an approval.';
          return this.handlers.approve({
            key: String(message.key),
            planHash: String(message.planHash),
            decision,
            ...(message.as !== undefined && { as: String(message.as).slice(0, longestText) }),
            ...(message.note !== undefined && { note: String(message.note).slice(0, longestText) }),
          });
        });
      case 'pause':
        return this.#reply(socket, message.id, async () =>
          this.#steer(() => this.handlers.stops.pause(nameOf(message.by))),
        );
      case 'continue':
        return this.#reply(socket, message.id, async () =>
          this.handlers.stops.goOn(nameOf(message.by)) ? undefined : 'Nothing stands in this run: it is going on.',
        );
      case 'debug.attach':
        return this.#reply(socket, message.id, async () =>
          this.#steer(() => {
            this.handlers.stops.attach(nameOf(message.name), event => send(socket, { type: 'debug.event', event }));
            this.#debugger = socket;
          }),
        );
      case 'debug.detach':
        return this.#reply(socket, message.id, async () => {
          if (this.#debugger !== socket) return undefined;
          this.#debugger = undefined;
          this.handlers.stops.detach();
          return undefined;
        });
      case 'debug':
        return this.#debug(socket, message.id, message.request);
      case 'reply': {
        const prompt = this.#prompts.get(message.prompt);
        if (!prompt?.asked.has(socket)) return;
        if (message.value === undefined) this.#declined(prompt, socket, true);
        else this.#settle(prompt, message.value);
        return;
      }
    }
  }

  async #reply(socket: Socket, id: number, act: () => Promise<string | undefined>): Promise<void> {
    try {
      const why = await act();
      send(socket, why === undefined ? { type: 'done', id } : { type: 'refused', id, why });
    } catch (error) {
      send(socket, { type: 'refused', id, why: error instanceof Error ? error.message : String(error) });
    }
  }

  async #debug(socket: Socket, id: number, asked: unknown): Promise<void> {
    try {
      if (this.#debugger !== socket) throw new DebugRefused('Only the debugger that is attached may ask that.');
      const result = await this.handlers.stops.request(debugRequest(asked));
      send(socket, { type: 'done', id, result });
    } catch (error) {
      send(socket, { type: 'refused', id, why: error instanceof Error ? error.message : String(error) });
    }
  }

  /** What is refused is said in a sentence. */
  #steer(act: () => void): string | undefined {
    try {
      act();
      return undefined;
    } catch (error) {
      if (!(error instanceof DebugRefused)) throw error;
      return error.message;
    }
  }

  #ask(ask: Prompt): Promise<PromptAnswer | undefined> {
    return new Promise(resolve => {
      const prompt: OpenPrompt = { id: this.#next++, ask, resolve, asked: new Set() };
      this.#prompts.set(prompt.id, prompt);
      for (const socket of this.#clients.keys()) this.#offer(prompt, socket);
      this.#expire(prompt);
    });
  }

  #offer(prompt: OpenPrompt, socket: Socket): void {
    if (!this.#clients.get(socket)?.has(prompt.ask.kind)) return;
    clearTimeout(prompt.timer);
    prompt.asked.add(socket);
    send(socket, { type: 'prompt', prompt: prompt.id, ask: prompt.ask });
  }

  /** `said`: a person declined, rather than went away; nobody else need be asked. */
  #declined(prompt: OpenPrompt, socket: Socket, said = false): void {
    if (!prompt.asked.delete(socket)) return;
    if (said && prompt.asked.size === 0) this.#settle(prompt, undefined);
    else this.#expire(prompt);
  }

  #expire(prompt: OpenPrompt): void {
    if (prompt.asked.size > 0) return;
    clearTimeout(prompt.timer);
    prompt.timer = setTimeout(() => this.#settle(prompt, undefined), this.unattendedMs);
  }

  #settle(prompt: OpenPrompt, value: PromptAnswer | undefined): void {
    clearTimeout(prompt.timer);
    this.#prompts.delete(prompt.id);
    for (const socket of prompt.asked) send(socket, { type: 'prompt.over', prompt: prompt.id });
    prompt.resolve(value);
  }
}

/** Of a person or a debugger, as it says. */
function nameOf(given: unknown): string {
  return String(given).slice(0, longestText);
}

function asText(answer: PromptAnswer | undefined): string | undefined {
  return typeof answer === 'string' ? answer : undefined;
}
