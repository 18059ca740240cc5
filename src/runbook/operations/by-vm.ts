import type { Loop } from './flow';
import { mayBeSame, type Vm } from './subject';

const nothing: ReadonlySet<never> = new Set();

/** Of more VMs than this, what was known first is forgotten, and of one no more than this is kept: it is gone through at every step. */
const maxVms = 200;
const maxOfOne = 50;

/**
 * What is known of VMs while steps are followed. What holds of each item when a loop ends holds of its list, and what holds of a list holds
 * of each item of the next loop over it.
 */
export class ByVm<T> {
  readonly #known = new Map<string, { vm: Vm; values: Set<T> }>();
  readonly #moved = new Map<Loop, Map<string, Set<T>>>();

  of(vm: Vm): ReadonlySet<T> {
    return this.#known.get(vm.key)?.values ?? (nothing as ReadonlySet<T>);
  }

  add(vm: Vm, value: T): void {
    const known = this.#known.get(vm.key);
    if (known) {
      if (known.values.size < maxOfOne) known.values.add(value);
      return;
    }
    this.#known.set(vm.key, { vm, values: new Set([value]) });
    if (this.#known.size > maxVms) this.#known.delete(this.#known.keys().next().value!);
  }

  /** Of every VM that may be this one, what `which` says. */
  remove(vm: Vm, which: (value: T) => boolean = () => true): void {
    for (const [key, known] of this.#known) {
      if (!mayBeSame(known.vm, vm)) continue;
      for (const value of known.values) if (which(value)) known.values.delete(value);
      if (known.values.size === 0) this.#known.delete(key);
    }
  }

  clear(which: (value: T) => boolean = () => true): void {
    for (const [key, { values }] of this.#known) {
      for (const value of values) if (which(value)) values.delete(value);
      if (values.size === 0) this.#known.delete(key);
    }
  }

  *all(): Iterable<T> {
    for (const { values } of this.#known.values()) yield* values;
  }

  enter(loop: Loop): void {
    const [key, another] = loop.list.keys;
    if (key !== undefined && another === undefined) {
      this.#rename(key, loop.item);
      return;
    }
    const moved = new Map<string, Set<T>>();
    for (const key of loop.list.keys) {
      const known = this.#known.get(key);
      if (!known) continue;
      moved.set(key, known.values);
      this.#known.delete(key);
      for (const value of known.values) this.add(loop.item, value);
    }
    this.#moved.set(loop, moved);
  }

  leave(loop: Loop): void {
    const [key, another] = loop.list.keys;
    if (key !== undefined && another === undefined) {
      this.#rename(loop.item.key, vmOf(key));
      return;
    }
    const moved = this.#moved.get(loop) ?? new Map<string, Set<T>>();
    this.#moved.delete(loop);
    const left = this.#known.get(loop.item.key)?.values ?? new Set();
    this.#known.delete(loop.item.key);
    const before = new Set([...moved.values()].flatMap(values => [...values]));
    for (const key of new Set(loop.list.keys)) {
      for (const value of left) if (!before.has(value) || moved.get(key)?.has(value)) this.add(vmOf(key), value);
    }
  }

  /** What holds of a list and of an item that stands for all of it is the same. */
  #rename(key: string, vm: Vm): void {
    const known = this.#known.get(key);
    if (!known) return;
    this.#known.delete(key);
    if (this.#known.has(vm.key)) for (const value of known.values) this.add(vm, value);
    else this.#known.set(vm.key, { vm, values: known.values });
  }
}

/** What a key of `SubjectList` names. */
function vmOf(key: string): Vm {
  return key.startsWith('=') ? { key, literal: key.slice(1), fixed: true } : { key, fixed: false };
}
