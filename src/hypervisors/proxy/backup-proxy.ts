import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { Duplex } from 'node:stream';
import { SshError } from '../../ssh/errors';
import { HypervisorError, type HypervisorErrorKind } from '../errors';
import type { BackupProxy, CallOptions, DiskExport } from '../ports';
import type { Machine, MachineExecOptions, MachineResult } from './machine';

/**
 * A machine with qemu-img that turns NBD exports into qcow2 files below its folder. Every path is an absolute one on that machine;
 * what lies outside the folder is refused.
 */
export class QemuImgProxy implements BackupProxy {
  readonly name: string;
  readonly directory: string;

  constructor(
    private readonly machine: Machine,
    directory: string,
    readonly transport: 'tcp' | 'unix',
  ) {
    this.name = machine.name;
    if (!posix.isAbsolute(directory) || posix.normalize(directory) === '/')
      throw this.error('refused', `its folder must be an absolute path below /, not "${directory}".`);
    this.directory = posix.normalize(directory).replace(/\/$/, '');
  }

  private error(kind: HypervisorErrorKind, message: string, cause?: unknown): HypervisorError {
    return new HypervisorError(kind, `proxy ${this.name}: ${message}`, { connection: this.name, cause });
  }

  async readImage(
    source: DiskExport,
    path: string,
    options: CallOptions,
  ): Promise<{ path: string; sizeBytes: number; virtualSizeBytes: number }> {
    const whole = this.inside(path);
    const partial = `${whole}.partial`;
    if (options.signal?.aborted) throw this.error('cancelled', `${whole} was not read: cancelled.`);
    await this.must(['mkdir', '-p', '--', posix.dirname(whole)]);
    const reach = await this.reach(source, this.socketFor(whole));
    let started = true;
    try {
      await this.convert(reach.url, partial, source, options);
      // On disk before it gets its name: a backup that is listed is one that a power cut does not take away.
      await this.must(['sync', '--', partial]);
      await this.must(['mv', '-T', '--', partial, whole]);
      await this.must(['sync', '--', posix.dirname(whole)]);
      started = false;
    } catch (error) {
      throw reach.failure() ?? error;
    } finally {
      await reach.close().catch(() => undefined);
      if (started) await this.dropPartial(partial);
    }
    const [info, stat] = await Promise.all([
      this.must(['qemu-img', 'info', '--output=json', '--', whole]),
      this.stat(whole),
    ]);
    const facts: unknown = JSON.parse(info.stdout);
    const virtualSizeBytes =
      typeof facts === 'object' && facts !== null && 'virtual-size' in facts
        ? Number(facts['virtual-size'])
        : Number.NaN;
    if (virtualSizeBytes !== source.virtualSizeBytes)
      throw this.error(
        'failed',
        `${whole} holds ${virtualSizeBytes} bytes, and disk ${source.target} has ${source.virtualSizeBytes}.`,
      );
    return { path: whole, sizeBytes: stat?.sizeBytes ?? 0, virtualSizeBytes };
  }

  private async convert(url: string, partial: string, source: DiskExport, options: CallOptions): Promise<void> {
    let line = '';
    const { code, stderr } = await this.run(['qemu-img', 'convert', '-p', '-f', 'raw', '-O', 'qcow2', url, partial], {
      signal: options.signal,
      onStdout: text => {
        // `    (12.34/100%)` again and again, each after a carriage return; a piece may end anywhere.
        line = (line + text).slice(-200);
        const last = [...line.matchAll(/\((\d+(?:\.\d+)?)\/100%\)/g)].at(-1)?.[1];
        if (last !== undefined)
          options.onProgress?.({ fraction: Math.min(1, Number(last) / 100), message: `reading ${source.target}` });
      },
    });
    if (code !== 0) throw this.fromText(`qemu-img could not read disk ${source.target}`, stderr);
  }

  /** Where qemu-img finds the export: straight over the network, or at a socket that leads through our connections. */
  private async reach(
    source: DiskExport,
    socket: string,
  ): Promise<{ url: string; failure(): Error | undefined; close(): Promise<void> }> {
    const exported = encodeURIComponent(source.exportName);
    if (source.tcp && (this.transport === 'tcp' || !source.unix)) {
      const host = source.tcp.host.includes(':') ? `[${source.tcp.host}]` : source.tcp.host;
      return { url: `nbd://${host}:${source.tcp.port}/${exported}`, failure: () => undefined, close: async () => {} };
    }
    const { unix } = source;
    if (!unix)
      throw this.error('unsupported', `disk ${source.target} is exported in no way that this proxy can reach.`);
    let failure: Error | undefined;
    // A reader that was killed leaves its socket, and nobody can listen where one lies.
    await this.must(['rm', '-f', '--', socket]);
    const relay = await this.machine
      .relay(
        socket,
        async () => {
          const stream = await unix.open();
          if (!(stream instanceof Duplex)) throw new TypeError(`the export of ${source.target} gives no stream`);
          return stream;
        },
        error => {
          failure ??= this.error(
            'unreachable',
            `the export of disk ${source.target} on ${unix.host} cannot be reached: ${error.message}`,
            error,
          );
        },
      )
      .catch(error => {
        throw this.translated(error);
      });
    return {
      url: `nbd+unix:///${exported}?socket=${encodeURIComponent(socket)}`,
      failure: () => failure,
      close: () => relay.close(),
    };
  }

  /** In the proxy's own folder, where nobody else may put one; short, since a socket's path has 107 bytes at most. */
  private socketFor(path: string): string {
    return `${this.directory}/.${createHash('sha256').update(path).digest('hex').slice(0, 16)}.nbd`;
  }

  /** The reader was told to end; it may take a moment, and must not write the file anew after it is gone. */
  private async dropPartial(partial: string): Promise<void> {
    await this.run(['rm', '-f', '--', partial]).catch(() => undefined);
  }

  async writeFile(path: string, text: string): Promise<void> {
    const whole = this.inside(path);
    const partial = `${whole}.partial`;
    await this.must(['mkdir', '-p', '--', posix.dirname(whole)]);
    try {
      await this.must(['dd', `of=${partial}`, 'conv=fsync', 'status=none'], { stdin: text });
      await this.must(['mv', '-T', '--', partial, whole]);
    } catch (error) {
      await this.dropPartial(partial);
      throw error;
    }
  }

  async readFile(path: string): Promise<string | undefined> {
    const stat = await this.stat(path);
    return stat && (await this.must(['cat', '--', this.inside(path)])).stdout;
  }

  async stat(path: string): Promise<{ sizeBytes: number } | undefined> {
    const { code, stdout, stderr } = await this.run(['env', 'LC_ALL=C', 'stat', '-c', '%s', '--', this.inside(path)]);
    if (code === 0) return { sizeBytes: Number(stdout.trim()) };
    if (/No such file or directory|Not a directory/.test(stderr)) return undefined;
    throw this.fromText(`${path} cannot be looked at`, stderr);
  }

  async freeBytes(): Promise<number> {
    await this.must(['mkdir', '-p', '--', this.directory]);
    const { stdout } = await this.must(['df', '--output=avail', '-B1', '--', this.directory]);
    const bytes = Number(stdout.trim().split('\n').at(-1));
    if (!Number.isFinite(bytes))
      throw this.error('failed', `df says nothing about the free space below ${this.directory}.`);
    return bytes;
  }

  async remove(path: string): Promise<void> {
    const whole = this.inside(path);
    // A link on the way could lead out of the folder.
    const real = (await this.must(['realpath', '-m', '--', posix.dirname(whole)])).stdout.trimEnd();
    const root = (await this.must(['realpath', '-m', '--', this.directory])).stdout.trimEnd();
    if (real !== root && !real.startsWith(`${root}/`))
      throw this.error('refused', `${path} leads to ${real}, outside of ${this.directory}; it was not removed.`);
    await this.must(['rm', '-rf', '--', whole, `${whole}.partial`, this.socketFor(whole)]);
  }

  /** @throws HypervisorError `refused` for the folder itself and everything outside. */
  private inside(path: string): string {
    const whole = posix.normalize(path).replace(/\/$/, '');
    if (!whole.startsWith(`${this.directory}/`) || whole.includes('\0'))
      throw this.error('refused', `${path} is outside of ${this.directory}.`);
    return whole;
  }

  private async must(argv: readonly string[], options?: MachineExecOptions): Promise<MachineResult> {
    const result = await this.run(argv, options);
    if (result.code !== 0) throw this.fromText(`${argv[0]} failed`, result.stderr);
    return result;
  }

  private fromText(what: string, stderr: string): HypervisorError {
    const why = stderr.trim().split('\n').at(-1) || 'it gave no reason';
    const kind = /No space left on device|Disk quota exceeded/i.test(stderr) ? 'no-space' : 'failed';
    return this.error(kind, `${what}: ${why}${kind === 'no-space' ? ` Free space below ${this.directory}.` : ''}`);
  }

  private async run(argv: readonly string[], options?: MachineExecOptions): Promise<MachineResult> {
    try {
      return await this.machine.exec(argv, options);
    } catch (error) {
      throw this.translated(error, argv[0], options?.signal);
    }
  }

  private translated(error: unknown, command?: string, signal?: AbortSignal): unknown {
    if (error instanceof HypervisorError) return error;
    if (signal?.aborted) return this.error('cancelled', `${command} was cancelled.`, error);
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof SshError)
      return this.error(error.code === 'timeout' ? 'timeout' : 'unreachable', message, error);
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      return this.error('unsupported', `there is no ${command} on it. Install qemu-utils and coreutils.`, error);
    return this.error('failed', message, error);
  }
}
