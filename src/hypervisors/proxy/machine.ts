import { spawn } from 'node:child_process';
import { createServer, type Server } from 'node:net';
import { type Duplex, pipeline } from 'node:stream';
import type { SshConnections } from '../../ssh/contract';
import { SshError } from '../../ssh/errors';

export interface MachineResult {
  /** null: it died of a signal. */
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface MachineExecOptions {
  stdin?: string;
  signal?: AbortSignal;
  onStdout?: (text: string) => void;
}

/** What a proxy needs of the machine that it is. */
export interface Machine {
  readonly name: string;
  /** Rejects when it cannot be run, or was aborted (the process is then being ended). */
  exec(argv: readonly string[], options?: MachineExecOptions): Promise<MachineResult>;
  /**
   * Listens on a unix socket of the machine; its connections are streams that `open` gives. Nothing may lie at `socket` yet, and
   * `close` leaves nothing there.
   */
  relay(
    socket: string,
    open: () => Promise<Duplex>,
    onError: (error: Error) => void,
  ): Promise<{ close(): Promise<void> }>;
}

/** Over SSH; a lease per use, so that an idle proxy holds no connection. */
export function sshMachine(name: string, target: string, connections: SshConnections): Machine {
  return {
    name,
    exec: (argv, options = {}) =>
      connections.use(
        target,
        async session => {
          const { code, stdout, stderr } = await session.exec(argv, {
            stdin: options.stdin,
            signal: options.signal,
            onStdout: options.onStdout && (chunk => options.onStdout!(chunk.toString('utf8'))),
          });
          return { code, stdout: stdout.toString('utf8'), stderr: stderr.toString('utf8') };
        },
        { signal: options.signal },
      ),
    async relay(socket, open, onError) {
      const session = await connections.lease(target);
      try {
        const listening = await session.reverseStreamLocal(socket, stream => void join(stream, open, onError));
        return {
          close: async () => {
            try {
              await listening.close();
            } finally {
              session.close();
            }
          },
        };
      } catch (error) {
        session.close();
        throw error;
      }
    },
  };
}

/** This machine itself. */
export function localMachine(name: string): Machine {
  return {
    name,
    exec: (argv, options = {}) =>
      new Promise((resolve, reject) => {
        const [command = '', ...args] = argv;
        const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], signal: options.signal });
        let stdout = '';
        let stderr = '';
        child.stdout.setEncoding('utf8').on('data', (text: string) => {
          stdout += text;
          options.onStdout?.(text);
        });
        child.stderr.setEncoding('utf8').on('data', (text: string) => {
          stderr += text;
        });
        child.once('error', reject);
        child.once('close', code => resolve({ code, stdout, stderr }));
        // A command that reads nothing closes its end first.
        child.stdin.on('error', () => undefined);
        child.stdin.end(options.stdin ?? '');
      }),
    async relay(socket, open, onError) {
      const streams = new Set<Duplex>();
      const server: Server = createServer(stream => {
        streams.add(stream);
        stream.once('close', () => streams.delete(stream));
        void join(stream, open, onError);
      });
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(socket, resolve);
      });
      return {
        close: () =>
          new Promise<void>(resolve => {
            server.close(() => resolve());
            for (const stream of streams) stream.destroy();
          }),
      };
    },
  };
}

async function join(near: Duplex, open: () => Promise<Duplex>, onError: (error: Error) => void): Promise<void> {
  near.pause();
  try {
    const far = await open();
    // That the way to it is lost is more than the reader can tell, who only sees it end.
    far.once('error', error => {
      if (error instanceof SshError) onError(error);
    });
    // Either end going takes the other with it; the reader at the near end reports what that means.
    pipeline(near, far, () => near.destroy());
    pipeline(far, near, () => far.destroy());
  } catch (error) {
    onError(error instanceof Error ? error : new Error(String(error)));
    near.destroy();
  }
}
