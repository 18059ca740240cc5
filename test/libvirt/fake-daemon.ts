import { Duplex } from 'node:stream';
import { XdrReader, XdrWriter } from '../../src/hypervisors/libvirt/xdr';

export interface Call {
  program: number;
  procedure: number;
  serial: number;
  args: XdrReader;
}

/** A packet of a stream from the client. Status 0: it is done, 1: it gives up, 2: data. */
export interface Packet {
  procedure: number;
  serial: number;
  status: number;
  data: Buffer;
}

/** The daemon's end of a connection, for tests of framing and of what a connection does when its host misbehaves. */
export class FakeDaemon {
  readonly calls: Call[] = [];
  /** Keepalive messages that came in: 1 ping, 2 pong. */
  readonly keepAlives: number[] = [];
  onCall: (call: Call) => void = () => {};
  readonly packets: Packet[] = [];
  onPacket: (packet: Packet) => void = () => {};
  /** What the client is given. */
  readonly stream: Duplex;
  private received: Buffer = Buffer.alloc(0);

  constructor() {
    this.stream = new Duplex({
      read() {},
      write: (chunk: Buffer, _encoding, done) => {
        this.receive(chunk);
        done();
      },
    });
  }

  private receive(chunk: Buffer): void {
    this.received = Buffer.concat([this.received, chunk]);
    while (this.received.length >= 4 && this.received.length >= this.received.readUInt32BE(0)) {
      const size = this.received.readUInt32BE(0);
      const frame = this.received.subarray(0, size);
      this.received = this.received.subarray(size);
      if (frame.readUInt32BE(4) === 0x6b656570) {
        this.keepAlives.push(frame.readInt32BE(12));
        continue;
      }
      if (frame.readUInt32BE(16) === 3) {
        const [procedure, serial, status] = [frame.readInt32BE(12), frame.readUInt32BE(20), frame.readUInt32BE(24)];
        const packet = { procedure, serial, status, data: Buffer.from(frame.subarray(28)) };
        this.packets.push(packet);
        this.onPacket(packet);
        continue;
      }
      const call = {
        program: frame.readUInt32BE(4),
        procedure: frame.readInt32BE(12),
        serial: frame.readUInt32BE(20),
        args: new XdrReader(frame, 28),
      };
      this.calls.push(call);
      this.onCall(call);
    }
  }

  static frame(
    header: { program?: number; procedure: number; type: number; serial?: number; status?: number },
    body: Buffer = Buffer.alloc(0),
  ): Buffer {
    const frame = Buffer.alloc(28 + body.length);
    [
      frame.length,
      header.program ?? 0x20008086,
      1,
      header.procedure,
      header.type,
      header.serial ?? 0,
      header.status ?? 0,
    ].forEach((word, i) => {
      frame.writeUInt32BE(word, i * 4);
    });
    body.copy(frame, 28);
    return frame;
  }

  send(...frames: Buffer[]): void {
    this.stream.push(Buffer.concat(frames));
  }

  reply(call: Call, write: (w: XdrWriter) => void = () => {}): void {
    const w = new XdrWriter();
    write(w);
    this.send(
      FakeDaemon.frame({ program: call.program, procedure: call.procedure, type: 1, serial: call.serial }, w.bytes()),
    );
  }

  /** A packet to the client, as libvirt frames it. */
  static packet({ procedure, serial }: { procedure: number; serial: number }, status: number, data = ''): Buffer {
    return FakeDaemon.frame({ procedure, serial, type: 3, status }, Buffer.from(data));
  }

  fail(call: Call, code: number, message: string): void {
    const w = new XdrWriter();
    w.int(code);
    w.int(10);
    if (w.present(message)) w.string(message);
    w.int(2);
    for (let optional = 0; optional < 4; optional++) w.uint(0);
    w.int(0);
    w.int(0);
    w.uint(0);
    this.send(
      FakeDaemon.frame(
        { program: call.program, procedure: call.procedure, type: 1, serial: call.serial, status: 1 },
        w.bytes(),
      ),
    );
  }
}
