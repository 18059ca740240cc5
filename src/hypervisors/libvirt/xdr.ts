/** XDR (RFC 4506) as libvirt uses it: big-endian, everything padded to four bytes. */

/** A value for the server; the type on the wire is part of the parameter's meaning. */
export type TypedParam =
  | { field: string; type: 'int' | 'uint' | 'llong' | 'ullong' | 'double'; value: number }
  | { field: string; type: 'boolean'; value: boolean }
  | { field: string; type: 'string'; value: string };

/** Values from the server by field name. A field that comes several times keeps its last value. */
export type TypedParams = Record<string, string | number | boolean>;

const paramTypes = { int: 1, uint: 2, llong: 3, ullong: 4, double: 5, boolean: 6, string: 7 } as const;
const TWO_32 = 0x1_0000_0000;

/** The message is not what the protocol says. */
export class XdrError extends Error {
  override readonly name = 'XdrError';
}

export class XdrWriter {
  private buffer = Buffer.allocUnsafe(256);
  private length = 0;

  private room(bytes: number): number {
    const at = this.length;
    if (at + bytes > this.buffer.length) {
      const bigger = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, at + bytes));
      this.buffer.copy(bigger, 0, 0, at);
      this.buffer = bigger;
    }
    this.length = at + bytes;
    return at;
  }

  int(value: number): void {
    this.buffer.writeInt32BE(value, this.room(4));
  }

  uint(value: number): void {
    // `>>> 0`: flags made with `1 << 31` are negative in JavaScript.
    const at = this.room(4);
    this.buffer.writeUInt32BE(value >>> 0, at);
  }

  /** A whole number from 0 to 2^53. */
  uhyper(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new XdrError(`${value} is no unsigned 64-bit whole number`);
    this.uint(Math.floor(value / TWO_32));
    this.uint(value % TWO_32);
  }

  string(value: string): void {
    this.opaque(Buffer.from(value));
  }

  opaque(bytes: Buffer): void {
    this.uint(bytes.length);
    const padded = (bytes.length + 3) & ~3;
    const at = this.room(padded);
    bytes.copy(this.buffer, at);
    this.buffer.fill(0, at + bytes.length, at + padded);
  }

  /** 16 bytes from `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`. */
  uuid(value: string): void {
    const bytes = Buffer.from(value.replaceAll('-', ''), 'hex');
    if (bytes.length !== 16) throw new XdrError(`"${value}" is no UUID`);
    bytes.copy(this.buffer, this.room(16));
  }

  /** The flag before an optional value; tells whether the value must follow. */
  present<T>(value: T | null): value is T {
    this.uint(value === null ? 0 : 1);
    return value !== null;
  }

  array<T>(values: readonly T[], write: (value: T) => void): void {
    this.uint(values.length);
    for (const value of values) write(value);
  }

  params(values: readonly TypedParam[]): void {
    this.array(values, param => {
      this.string(param.field);
      this.uint(paramTypes[param.type]);
      switch (param.type) {
        case 'int':
          return this.int(param.value);
        case 'uint':
          return this.uint(param.value);
        case 'llong':
        case 'ullong':
          return this.uhyper(param.value);
        case 'double':
          this.buffer.writeDoubleBE(param.value, this.room(8));
          return;
        case 'boolean':
          return this.int(param.value ? 1 : 0);
        case 'string':
          return this.string(param.value);
      }
    });
  }

  bytes(): Buffer {
    return this.buffer.subarray(0, this.length);
  }
}

export class XdrReader {
  constructor(
    private readonly buffer: Buffer,
    private at = 0,
  ) {}

  private take(bytes: number): number {
    const at = this.at;
    if (at + bytes > this.buffer.length)
      throw new XdrError(`message ends ${at + bytes - this.buffer.length} bytes early`);
    this.at = at + bytes;
    return at;
  }

  int(): number {
    return this.buffer.readInt32BE(this.take(4));
  }

  uint(): number {
    return this.buffer.readUInt32BE(this.take(4));
  }

  /** Exact up to 2^53, which is enough for bytes; nanosecond counters beyond it lose their last digits. */
  uhyper(): number {
    const at = this.take(8);
    return this.buffer.readUInt32BE(at) * TWO_32 + this.buffer.readUInt32BE(at + 4);
  }

  private hyper(): number {
    const at = this.take(8);
    return this.buffer.readInt32BE(at) * TWO_32 + this.buffer.readUInt32BE(at + 4);
  }

  private sized(): [start: number, end: number] {
    const length = this.uint();
    const start = this.take((length + 3) & ~3);
    // A length near 2^32 turns negative above; it must not pass as an empty one.
    if (length > this.buffer.length) throw new XdrError(`a value claims ${length} bytes`);
    return [start, start + length];
  }

  string(): string {
    const [start, end] = this.sized();
    return this.buffer.toString('utf8', start, end);
  }

  opaque(): Buffer {
    const [start, end] = this.sized();
    return Buffer.from(this.buffer.subarray(start, end));
  }

  /** Lower case, with dashes. */
  uuid(): string {
    const at = this.take(16);
    const hex = this.buffer.toString('hex', at, at + 16);
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }

  /** A C string in 32 chars, each widened to four bytes. */
  chars32(): string {
    let text = '';
    let ended = false;
    for (let i = 0; i < 32; i++) {
      const code = this.int();
      if (code === 0) ended = true;
      if (!ended) text += String.fromCharCode(code & 0xff);
    }
    return text;
  }

  array<T>(read: () => T): T[] {
    const length = this.uint();
    // Every element takes at least four bytes: a wild length is refused before memory is taken for it.
    if (length * 4 > this.buffer.length - this.at) throw new XdrError(`an array claims ${length} elements`);
    const values: T[] = [];
    for (let i = 0; i < length; i++) values.push(read());
    return values;
  }

  params(): TypedParams {
    const values: TypedParams = {};
    const length = this.uint();
    for (let i = 0; i < length; i++) {
      const field = this.string();
      values[field] = this.paramValue(field);
    }
    return values;
  }

  private paramValue(field: string): string | number | boolean {
    const type = this.uint();
    switch (type) {
      case 1:
        return this.int();
      case 2:
        return this.uint();
      case 3:
        return this.hyper();
      case 4:
        return this.uhyper();
      case 5:
        return this.buffer.readDoubleBE(this.take(8));
      case 6:
        return this.int() !== 0;
      case 7:
        return this.string();
      default:
        throw new XdrError(`parameter ${field} has the unknown type ${type}`);
    }
  }
}
