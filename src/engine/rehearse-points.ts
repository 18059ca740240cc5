import type { ControlKind, RunEvent } from './journal';
import { hostLostSeconds, type SimulatedCall } from './rehearsal-world';
import type { Injection } from './rehearse-run';

/** What is made to happen to every step. */
export const rehearsedFaults = [
  'fails-before',
  'fails-after',
  'unknown',
  'host-lost',
  'datastore-full',
  'agent-silent',
  'runner-killed',
  'cancelled',
  'rejected',
  'expired',
] as const;
export type RehearsedFault = (typeof rehearsedFaults)[number];

/** A call that a step (or the taking back of it) made. */
export interface RecordedCall extends SimulatedCall {
  reads: boolean;
  /** Which of the calls of that name on that VM it was, from 1. */
  nth: number;
}

/** What one effect did: from its intent to its end. */
export interface RecordedEffect {
  phase: 'step' | 'undo';
  key: string;
  pointer: string;
  title: string;
  uses: string;
  /** A step that acts on nothing: an approval, a wait, an assertion, a point of no return. */
  control?: ControlKind;
  /** An approval that is not given in time ends. */
  expires?: boolean;
  calls: RecordedCall[];
  /** ms since 1970. */
  startedAt: number;
  endedAt: number;
}

/** Listens to a simulated run and keeps which calls belong to which effect. */
export class CallRecorder {
  readonly effects: RecordedEffect[] = [];
  readonly #open = new Map<string, { effect: RecordedEffect; vm: string | undefined; counts: Map<string, number> }>();

  constructor(
    private readonly now: () => number,
    /** VMs that steps of the plan are about. */
    private readonly named: ReadonlySet<string> = new Set(),
  ) {}

  /** No effect is under way. */
  get quiet(): boolean {
    return this.#open.size === 0;
  }

  onRecord(event: RunEvent): void {
    switch (event.type) {
      case 'step.intent':
      case 'undo.intent': {
        const phase = event.type === 'step.intent' ? 'step' : 'undo';
        const { key, title } = event;
        const { pointer, uses } = event.type === 'step.intent' ? event : { pointer: '', uses: '' };
        const at = this.now();
        const effect: RecordedEffect = { phase, key, pointer, title, uses, calls: [], startedAt: at, endedAt: at };
        this.effects.push(effect);
        const vm = event.type === 'step.intent' && typeof event.inputs.vm === 'string' ? event.inputs.vm : undefined;
        this.#open.set(`${phase} ${key}`, { effect, vm, counts: new Map() });
        return;
      }
      case 'control.started': {
        // A call is what its steps are.
        if (event.kind === 'call') return;
        const { key, pointer, title, kind } = event;
        const at = this.now();
        const what = { phase: 'step', key, pointer, title, uses: kind, control: kind } as const;
        const effect: RecordedEffect = { ...what, calls: [], startedAt: at, endedAt: at };
        this.effects.push(effect);
        this.#open.set(`step ${key}`, { effect, vm: undefined, counts: new Map() });
        return;
      }
      case 'approval.asked': {
        const open = this.#open.get(`step ${event.key}`);
        if (open && event.expiresAt !== undefined) open.effect.expires = true;
        return;
      }
      case 'control.done':
      case 'step.done':
      case 'step.failed':
        this.#close(`step ${event.key}`);
        return;
      case 'undo.done':
      case 'undo.failed':
        this.#close(`undo ${event.key}`);
        return;
    }
  }

  #close(id: string): void {
    const open = this.#open.get(id);
    if (open) open.effect.endedAt = this.now();
    this.#open.delete(id);
  }

  onCall(call: SimulatedCall, reads: boolean): void {
    const id = `${call.at} ${call.vm ?? ''}`;
    for (const { effect, vm, counts } of this.#open.values()) {
      if (effect.control) continue;
      // A step beside it that has not written its intent yet is looking at its own VM.
      if (vm !== undefined && call.vm !== undefined && call.vm !== vm && this.named.has(call.vm)) continue;
      const nth = (counts.get(id) ?? 0) + 1;
      counts.set(id, nth);
      // Side by side, a call belongs to the step that has to do with its VM; when that can't be told, to each.
      const others = [...this.#open.values()].filter(one => one.effect !== effect);
      if (call.vm !== undefined && others.length > 0 && !actsOn(effect, call.vm)) {
        if (others.some(one => actsOn(one.effect, call.vm!))) continue;
      }
      effect.calls.push({ ...call, reads, nth });
    }
  }
}

function actsOn(effect: RecordedEffect, vm: string): boolean {
  return effect.calls.some(call => call.vm === vm) || effect.key.includes(vm) || effect.title.includes(vm);
}

/** Calls that take space. */
const takesSpace = new Set([
  'snapshots.create',
  'migration.migrate',
  'imageBackup.begin',
  'proxy.readImage',
  'proxy.writeFile',
]);
/** Calls that the guest agent has a part in. */
const needsAgent = new Set(['snapshots.create', 'imageBackup.begin', 'power.shutdown']);

/** Every way in which this effect is made to go wrong; a fault that can't hit it gives none. */
export function injectionsFor(effect: RecordedEffect, fault: RehearsedFault): Injection[] {
  const { key, phase } = effect;
  if (effect.control) return controlInjections(effect, fault);
  const calls = struck(effect.calls);
  const at = (call: RecordedCall, how: Injection['how']): Injection => {
    const { reads: _, ...where } = call;
    return { key, phase, call: where, how };
  };
  const faults = (list: readonly RecordedCall[], ...faults: Extract<Injection['how'], { do: 'fault' }>['fault'][]) =>
    list.flatMap(call => faults.map(one => at(call, { do: 'fault', fault: one })));
  switch (fault) {
    case 'fails-before':
      return faults(calls, { kind: 'fail-before' });
    case 'fails-after':
      return faults(calls, { kind: 'fail-after' });
    case 'unknown':
      return faults(
        calls,
        { kind: 'unknown', happened: true },
        { kind: 'unknown', happened: false },
        { kind: 'fail-halfway' },
      );
    case 'host-lost':
      return faults(
        calls.filter(call => call.host !== undefined),
        { kind: 'host-lost', happened: false, seconds: hostLostSeconds },
        { kind: 'host-lost', happened: true, seconds: hostLostSeconds },
      );
    case 'datastore-full':
      return faults(
        calls.filter(call => takesSpace.has(call.at)),
        { kind: 'datastore-full' },
      );
    case 'agent-silent':
      return [
        ...faults(
          calls.filter(call => needsAgent.has(call.at) || call.at.startsWith('guestAgent.')),
          { kind: 'agent-silent' },
        ),
        ...faults(
          calls.filter(call => call.at === 'guestAgent.exec'),
          { kind: 'agent-silent', happened: true },
        ),
      ];
    case 'runner-killed':
      return [
        { key, phase, how: { do: 'kill' } },
        ...calls.flatMap(call => [at(call, { do: 'kill', halfway: true }), at(call, { do: 'kill' })]),
      ];
    case 'cancelled':
      return calls.flatMap(call => [
        at(call, { do: 'cancel', during: true }),
        at(call, { do: 'cancel', during: false }),
      ]);
    case 'rejected':
    case 'expired':
      return [];
  }
}

/** Of a step that acts on nothing: while it waits, or where it does not wait, when it has begun. */
function controlInjections({ key, phase, control, expires }: RecordedEffect, fault: RehearsedFault): Injection[] {
  switch (fault) {
    case 'runner-killed':
      return [{ key, phase, how: { do: 'kill' } }];
    case 'cancelled':
      return [{ key, phase, how: { do: 'cancel', during: true } }];
    case 'rejected':
      return control === 'approve' ? [{ key, phase, how: { do: 'reject' } }] : [];
    case 'expired':
      return expires ? [{ key, phase, how: { do: 'expire' } }] : [];
    default:
      return [];
  }
}

/** The calls that faults hit: those that change something, else the first look. Of many of one kind the first two and the last. */
function struck(calls: readonly RecordedCall[]): RecordedCall[] {
  const changing = calls.filter(call => !call.reads);
  if (changing.length === 0) return calls.slice(0, 1);
  const same = new Map<string, RecordedCall[]>();
  for (const call of changing) {
    const id = `${call.at} ${call.vm} ${call.host}`;
    same.set(id, [...(same.get(id) ?? []), call]);
  }
  return changing.filter(call => {
    const group = same.get(`${call.at} ${call.vm} ${call.host}`)!;
    const place = group.indexOf(call);
    return place < 2 || place === group.length - 1;
  });
}
