import type { ConsoleOptions, ConsoleSession, Consoles } from '../ports';
import { execInGuest } from './guest-access';
import type { SimulatedLab } from './lab';
import type { LabVm } from './state';
import { busy, refused, type Visible, visibleVm } from './visible';

/** Who has the console of each VM, by uuid. */
const holders = new WeakMap<SimulatedLab, Map<string, SimulatedConsole>>();

const commandMs = 60_000;

/** A small root shell in each guest, which says of itself that it is simulated. */
export function simulatedConsoles(visible: Visible): Consoles {
  const { lab } = visible;
  const open = holders.get(lab) ?? new Map<string, SimulatedConsole>();
  holders.set(lab, open);
  return {
    async open(uuid, options) {
      const vm = visibleVm(visible, uuid);
      if (vm.state === 'shutoff' || vm.state === 'crashed')
        throw refused(vm, `${vm.name} is off, so it has no console. Start it first.`);
      const holder = open.get(vm.uuid);
      if (holder && !options.force) throw busy(vm, `Somebody else has the console of ${vm.name} open.`);
      holder?.end();
      const console = new SimulatedConsole(visible, vm, options, () => {
        if (open.get(vm.uuid) === console) open.delete(vm.uuid);
      });
      open.set(vm.uuid, console);
      return console;
    },
  };
}

class SimulatedConsole implements ConsoleSession {
  private readonly decoder = new TextDecoder();
  private readonly encoder = new TextEncoder();
  private readonly stopListening: () => void;
  private line = '';
  private isOver = false;
  /** Commands one after another. */
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly visible: Visible,
    private readonly vm: LabVm,
    private readonly options: ConsoleOptions,
    private readonly onOver: () => void,
  ) {
    this.stopListening = visible.lab.subscribe(event => {
      if (event.type === 'vm' && event.uuid === vm.uuid && (event.what === 'stopped' || event.what === 'crashed'))
        this.end();
    });
    this.say(`\r\nSimulated console of ${vm.name}: nothing here is real.\r\n`);
    this.prompt();
  }

  write(bytes: Uint8Array): void {
    if (this.isOver) return;
    for (const char of this.decoder.decode(bytes, { stream: true })) {
      if (char === '\r' || char === '\n') {
        const { line } = this;
        this.line = '';
        this.say('\r\n');
        this.running = this.running.then(() => this.run(line));
      } else if (char === '\x7f' || char === '\b') {
        if (this.line === '') continue;
        this.line = this.line.slice(0, -1);
        this.say('\b \b');
      } else if (char === '\x03') {
        this.line = '';
        this.say('^C\r\n');
        this.prompt();
      } else if (char >= ' ') {
        this.line += char;
        this.say(char);
      }
    }
  }

  private async run(line: string): Promise<void> {
    const { visible, vm } = this;
    const { lab } = visible;
    const argv = line.trim() === '' ? [] : /[|&;<>$'"]/.test(line) ? ['sh', '-c', line] : line.trim().split(/\s+/);
    if (argv.length > 0) {
      try {
        const { stdout, stderr } = await execInGuest(
          lab,
          { at: 'console.exec', vm: vm.name, host: vm.host },
          () => visibleVm(visible, vm.uuid),
          () => undefined,
          argv,
          { timeoutMs: commandMs },
        );
        this.say((stdout + stderr).replaceAll(/\r?\n/g, '\r\n'));
      } catch (error) {
        this.say(`${error instanceof Error ? error.message : String(error)}\r\n`);
      }
    }
    this.prompt();
  }

  private prompt(): void {
    this.say(`root@${this.vm.name}:~# `);
  }

  private say(text: string): void {
    if (!this.isOver) this.options.onData(this.encoder.encode(text));
  }

  /** From the other side. */
  end(): void {
    if (this.isOver) return;
    this.over();
    this.options.onEnd();
  }

  async close(): Promise<void> {
    this.over();
  }

  private over(): void {
    this.isOver = true;
    this.stopListening();
    this.onOver();
  }
}
