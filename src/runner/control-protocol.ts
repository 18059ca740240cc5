import type { Socket } from 'node:net';
import type { DebugEvent, DebugRequest } from '../engine/debug-protocol';
import type { CancelMode } from '../engine/journal';
import type { Json } from '../runbook/json';
import type { HostKeyAnswer, HostKeyQuestion } from '../ssh/contract';
import type { ApprovalDecision, SecretQuestion } from './contract';

/** What a runner and those attached to it say to each other: a JSON object per line. Secrets pass here and are never written down. */
export type ToRunner =
  | { type: 'ping' }
  /** Prompts of these kinds may be sent here from now on. */
  | { type: 'attach'; kinds: PromptKind[] }
  | { type: 'cancel'; id: number; mode: CancelMode; by: string }
  | { type: 'answer'; id: number; question: string; choice: string; by: string }
  /** `as`: a name other than the account that owns the socket. */
  | {
      type: 'approve';
      id: number;
      key: string;
      planHash: string;
      decision: ApprovalDecision;
      as?: string;
      note?: string;
    }
  | { type: 'reply'; prompt: number; value: PromptAnswer | undefined }
  | { type: 'pause' | 'continue'; id: number; by: string }
  /** From here on this connection is the debugger's. One that ends without `debug.detach` leaves standing what stands. */
  | { type: 'debug.attach'; id: number; name: string }
  | { type: 'debug.detach'; id: number }
  | { type: 'debug'; id: number; request: DebugRequest };

export type FromRunner =
  | { type: 'pong'; runId: string }
  | { type: 'done'; id: number; result?: Json }
  | { type: 'debug.event'; event: DebugEvent }
  | { type: 'refused'; id: number; why: string }
  | { type: 'prompt'; prompt: number; ask: Prompt }
  /** Somebody else has answered. */
  | { type: 'prompt.over'; prompt: number };

export type Prompt =
  | { kind: 'hostKey'; question: HostKeyQuestion }
  | { kind: 'passphrase'; keyPath: string; attempt: number }
  | { kind: 'password'; target: string; attempt: number }
  | { kind: 'keyboard'; target: string; prompts: { prompt: string; echo: boolean }[] }
  | { kind: 'secret'; question: SecretQuestion };
export type PromptKind = Prompt['kind'];
export const promptKinds = ['hostKey', 'passphrase', 'password', 'keyboard', 'secret'] as const satisfies PromptKind[];
export type PromptAnswer = HostKeyAnswer | string | string[];

const longestLine = 1024 * 1024;

/** Calls back per line that is a JSON object; what isn't ends the connection. */
export function onMessages(socket: Socket, receive: (message: Record<string, unknown>) => void): void {
  let text = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    text += chunk;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n')) {
      const line = text.slice(0, at);
      text = text.slice(at + 1);
      let message: unknown;
      try {
        message = JSON.parse(line);
      } catch {
        message = undefined;
      }
      if (message === null || typeof message !== 'object') {
        socket.destroy();
        return;
      }
      receive(message as Record<string, unknown>);
    }
    if (text.length > longestLine) socket.destroy();
  });
}

export function send(socket: Socket, message: ToRunner | FromRunner): void {
  if (!socket.destroyed && socket.writable) socket.write(`${JSON.stringify(message)}\n`);
}
