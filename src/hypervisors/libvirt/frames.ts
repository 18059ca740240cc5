import { XdrError } from './xdr';

/** libvirt's own limit for one message (VIR_NET_MESSAGE_MAX) and its length word. */
const MAX_FRAME = 33_554_432 + 4;
const HEADER = 4;

/**
 * Cuts a byte stream into libvirt messages (length word included in the length, left out of what is given on).
 * Linear in the bytes: a message that comes in many pieces is copied once, into a buffer of its final size.
 */
export class FrameReader {
  private lengthBytes = Buffer.alloc(HEADER);
  private lengthSeen = 0;
  private frame: Buffer | undefined;
  private filled = 0;

  constructor(private readonly onFrame: (body: Buffer) => void) {}

  /** @throws XdrError when a length can't be one of libvirt's: the stream is then useless. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.frame) {
        const take = Math.min(this.frame.length - this.filled, chunk.length - at);
        chunk.copy(this.frame, this.filled, at, at + take);
        this.filled += take;
        at += take;
        if (this.filled === this.frame.length) {
          const whole = this.frame;
          this.frame = undefined;
          this.onFrame(whole);
        }
        continue;
      }
      if (this.lengthSeen === 0 && chunk.length - at >= HEADER) {
        const size = checked(chunk.readUInt32BE(at));
        if (chunk.length - at >= size) {
          this.onFrame(chunk.subarray(at + HEADER, at + size));
          at += size;
          continue;
        }
      }
      const take = Math.min(HEADER - this.lengthSeen, chunk.length - at);
      chunk.copy(this.lengthBytes, this.lengthSeen, at, at + take);
      this.lengthSeen += take;
      at += take;
      if (this.lengthSeen === HEADER) {
        this.frame = Buffer.allocUnsafe(checked(this.lengthBytes.readUInt32BE(0)) - HEADER);
        this.filled = 0;
        this.lengthSeen = 0;
      }
    }
  }
}

function checked(size: number): number {
  if (size < HEADER + 24 || size > MAX_FRAME)
    throw new XdrError(`a message claims ${size} bytes; this is not libvirt's protocol`);
  return size;
}
