/**
 * Runs everything in turn, round after round, so that what else the machine does hits all alike, and returns milliseconds of each.
 * A run that resolves to a number has measured itself. The first rounds warm up and are not counted: one, unless `warmUp` says
 * otherwise. `times`: how often something runs in a round, where it is much shorter than the rest; each counts.
 */
export async function inTurn<Name extends string>(
  rounds: number,
  contenders: Record<Name, (round: number) => unknown>,
  options: { warmUp?: number; times?: Partial<Record<Name, number>> } = {},
): Promise<Record<Name, number[]>> {
  const names = Object.keys(contenders) as Name[];
  const measured = Object.fromEntries(names.map(name => [name, []])) as unknown as Record<Name, number[]>;
  for (let round = -(options.warmUp ?? 1); round < rounds; round++) {
    for (const name of names)
      for (let i = 0; i < (options.times?.[name] ?? 1); i++) {
        const start = performance.now();
        const result = await contenders[name](round);
        const figure = typeof result === 'number' ? result : performance.now() - start;
        if (round >= 0) measured[name].push(figure);
      }
  }
  return measured;
}
