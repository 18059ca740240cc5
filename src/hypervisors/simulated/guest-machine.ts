import type { GuestExecResult } from '../ports';
import type { LabGuest, LabRepository } from './state';

/** What a command did: its result, the guest afterwards (the same object when nothing changed), and how long it took. */
export interface GuestEffect {
  result: GuestExecResult;
  guest: LabGuest;
  seconds: number;
}

export interface GuestMachine {
  name: string;
  guest: LabGuest;
  repository: LabRepository | undefined;
  stdin: string;
}

export function ok(machine: GuestMachine, stdout = '', guest = machine.guest, seconds = 0.05): GuestEffect {
  return { result: { code: 0, stdout, stderr: '' }, guest, seconds };
}

export function failed(
  machine: GuestMachine,
  code: number,
  stderr: string,
  guest = machine.guest,
  seconds = 0.05,
): GuestEffect {
  return { result: { code, stdout: '', stderr }, guest, seconds };
}

export function withFile(guest: LabGuest, path: string, text: string): LabGuest {
  return { ...guest, files: { ...guest.files, [path]: text } };
}
