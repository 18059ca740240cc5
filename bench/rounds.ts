export interface Sides {
  /** One run of ours; resolves to its figure, or to nothing when the time it takes is the figure. */
  ours(round: number): unknown;
  rival(round: number): unknown;
  /** Runs of ours per run of the rival, where ours is much shorter; each counts. */
  oursPerRound?: number;
}

/**
 * Runs both sides in turn, so that what else the machine does hits both, and returns milliseconds of every round.
 * The first rounds warm both up and are not counted: one, unless `warmUp` says otherwise.
 */
export async function alternate(
  rounds: number,
  sides: Sides,
  options: { warmUp?: number } = {},
): Promise<{ ours: number[]; rival: number[] }> {
  const measured: { ours: number[]; rival: number[] } = { ours: [], rival: [] };
  for (let round = -(options.warmUp ?? 1); round < rounds; round++) {
    for (let i = 0; i < (sides.oursPerRound ?? 1); i++) {
      const ours = await time(() => sides.ours(round));
      if (round >= 0) measured.ours.push(ours);
    }
    const rival = await time(() => sides.rival(round));
    if (round >= 0) measured.rival.push(rival);
  }
  return measured;
}

/** Milliseconds that `work` takes, or the number it resolves to. */
export async function time(work: () => unknown): Promise<number> {
  const start = performance.now();
  const result = await work();
  return typeof result === 'number' ? result : performance.now() - start;
}
