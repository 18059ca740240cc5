import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrameReader } from '../../src/hypervisors/libvirt/frames';
import { type TypedParam, XdrError, XdrReader, XdrWriter } from '../../src/hypervisors/libvirt/xdr';

const written = (write: (w: XdrWriter) => void) => {
  const w = new XdrWriter();
  write(w);
  return w.bytes();
};
const read = (write: (w: XdrWriter) => void) => new XdrReader(Buffer.from(written(write)));

describe('XDR', () => {
  test('is as RFC 4506 says, byte by byte', () => {
    const bytes = written(w => {
      w.int(-2);
      w.uint(0xdeadbeef);
      w.uhyper(2 ** 40 + 5);
      w.string('abcde');
      w.opaque(Buffer.from([1]));
    });
    expect(bytes.toString('hex')).toBe(
      'fffffffe' + 'deadbeef' + '0000010000000005' + '000000056162636465000000' + '0000000101000000',
    );
  });
  test('reads back what was written', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.uuid(),
        fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
        fc.maxSafeNat(),
        fc.uint8Array(),
        (text, uuid, int, big, bytes) => {
          const clean = Buffer.from(text).toString();
          const r = read(w => {
            w.string(clean);
            w.uuid(uuid);
            w.int(int);
            w.uhyper(big);
            w.opaque(Buffer.from(bytes));
            w.array([clean, ''], v => w.string(v));
          });
          expect([r.string(), r.uuid(), r.int(), r.uhyper(), [...r.opaque()], r.array(() => r.string())]).toEqual([
            clean,
            uuid.toLowerCase(),
            int,
            big,
            [...bytes],
            [clean, ''],
          ]);
        },
      ),
    );
  });
  test('typed parameters keep their types', () => {
    const params: TypedParam[] = [
      { field: 'a', type: 'int', value: -7 },
      { field: 'b', type: 'uint', value: 4_000_000_000 },
      { field: 'c', type: 'ullong', value: 8_796_093_022_207 },
      { field: 'd', type: 'double', value: 1.5 },
      { field: 'e', type: 'boolean', value: true },
      { field: 'f', type: 'string', value: 'ä' },
    ];
    expect(read(w => w.params(params)).params()).toEqual({
      a: -7,
      b: 4_000_000_000,
      c: 8_796_093_022_207,
      d: 1.5,
      e: true,
      f: 'ä',
    });
  });
  test('a message that lies about its lengths is an error and never a long wait', () => {
    expect(() => new XdrReader(Buffer.from('fffffffc', 'hex')).string()).toThrow(XdrError);
    expect(() => new XdrReader(Buffer.from('ffffffff00000000', 'hex')).opaque()).toThrow(XdrError);
    expect(() => new XdrReader(Buffer.from('7fffffff00000000', 'hex')).array(() => 1)).toThrow(XdrError);
    expect(() => new XdrReader(Buffer.from('00', 'hex')).int()).toThrow(XdrError);
  });
  test('what is no number of 64 bits or no UUID is refused before it is sent', () => {
    expect(() => written(w => w.uhyper(-1))).toThrow(XdrError);
    expect(() => written(w => w.uhyper(1.5))).toThrow(XdrError);
    expect(() => written(w => w.uuid('vm1'))).toThrow(XdrError);
  });
});

describe('frames', () => {
  const frame = (body: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(body.length + 4);
    return Buffer.concat([length, body]);
  };
  test('are the same however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 24, maxLength: 90 }), { maxLength: 12 }),
        fc.array(fc.nat(200)),
        (bodies, cuts) => {
          const stream = Buffer.concat(bodies.map(body => frame(Buffer.from(body))));
          const got: number[][] = [];
          const reader = new FrameReader(body => got.push([...body]));
          let at = 0;
          for (const cut of cuts) {
            reader.push(stream.subarray(at, at + cut));
            at = Math.min(stream.length, at + cut);
          }
          reader.push(stream.subarray(at));
          expect(got).toEqual(bodies.map(body => [...body]));
        },
      ),
    );
  });
  test('a large message in small pieces is copied once, not once per piece', () => {
    const body = Buffer.alloc(8 * 2 ** 20, 1);
    const stream = frame(body);
    let copied = 0;
    const spied = (piece: Buffer) => {
      const { copy } = piece;
      piece.copy = (...args: Parameters<Buffer['copy']>) => {
        const bytes = copy.apply(piece, args);
        copied += bytes;
        return bytes;
      };
      return piece;
    };
    let whole = 0;
    const reader = new FrameReader(got => {
      whole = got.length;
    });
    for (let at = 0; at < stream.length; at += 1000) reader.push(spied(stream.subarray(at, at + 1000)));
    expect(whole).toBe(body.length);
    expect(copied).toBe(stream.length);
  });
  test('a length that libvirt would never send ends it', () => {
    const reader = new FrameReader(() => {});
    expect(() => reader.push(Buffer.from('SSH-2.0-OpenSSH_9.2\r\n'))).toThrow(XdrError);
    expect(() => new FrameReader(() => {}).push(Buffer.from('00000004', 'hex'))).toThrow(XdrError);
  });
});
