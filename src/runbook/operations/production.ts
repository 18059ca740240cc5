import type { KnownNames } from '../check-context';
import { escapePointer } from '../yaml-source';
import type { Findings } from './findings';
import type { Act, Loop, OperationRule } from './flow';

/** Loops that change what is in production, with neither a first item to try it on nor a person who has said yes. */
export class Production implements OperationRule {
  #approved = false;
  readonly #changing = new Set<Loop>();

  constructor(
    readonly findings: Findings,
    readonly known: KnownNames | undefined,
  ) {}

  act({ undoClass, where }: Act): void {
    if (undoClass !== undefined && undoClass !== 'none') for (const loop of where.loops) this.#changing.add(loop);
  }

  control(step: { kind: string }): void {
    if (step.kind === 'approve') this.#approved = true;
  }

  unknown(): void {
    // It may ask somebody.
    this.#approved = true;
  }

  leaveLoop(loop: Loop): void {
    const { step, where, list } = loop;
    if (this.#approved || !this.#changing.has(loop) || where.call || where.phase === 'finally') return;
    if ([...where.loops, loop].some(one => one.step.canary !== undefined)) return;
    const names = list.literals ?? list.byDefault ?? [];
    if (list.literals?.length === 1) return;
    const found = names.flatMap(name => this.#why(name) ?? []);
    if (found.length === 0) return;
    this.findings.at(
      'production-without-canary',
      `${step.pointer}/forEach/${escapePointer(step.variable)}`,
      `This changes what is in production: ${found[0]}. Let one go first (\`canary: 1\`), or have a person \`approve\` before the loop.`,
    );
  }

  /** Why a name or selector is of production. */
  #why(name: string): string | undefined {
    const selector = /^(group|tag):(.*)$/.exec(name);
    if (selector) {
      if (isProduction(selector[2]!)) return `\`${name}\``;
      const vm = this.known?.vmsOf?.(name)?.find(one => this.#label(one) !== undefined);
      return vm === undefined ? undefined : `\`${vm}\` in \`${name}\` ${this.#label(vm)}`;
    }
    const label = this.#label(name);
    return label === undefined ? undefined : `\`${name}\` ${label}`;
  }

  #label(vm: string): string | undefined {
    const tag = this.known?.tagsOfVm?.(vm).find(isProduction);
    if (tag !== undefined) return `has the tag \`${tag}\``;
    const group = this.known?.groupsOfVm?.(vm).find(isProduction);
    return group === undefined ? undefined : `is in the group \`${group}\``;
  }
}

/** `prod` or `production`, alone or with more behind a sign or digit: `prod-web`, `production2`; not `products`. */
function isProduction(name: string): boolean {
  return /^prod(uction)?(?![a-z])/i.test(name);
}
