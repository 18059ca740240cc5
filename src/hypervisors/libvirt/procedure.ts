import type { XdrReader, XdrWriter } from './xdr';

/** No arguments, or no results. */
export type Nothing = Record<never, never>;

/** One call of libvirt's protocol: its number, and how its arguments and results look on the wire. */
export interface Procedure<A, R> {
  readonly program: { readonly number: number; readonly version: number };
  readonly number: number;
  readonly name: string;
  readonly write: (w: XdrWriter, a: A) => void;
  readonly read: (r: XdrReader) => R;
}

/** A message that the server sends by itself. */
export interface EventMessage<M> {
  readonly number: number;
  readonly name: string;
  readonly read: (r: XdrReader) => M;
}
