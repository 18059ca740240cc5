import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layoutTimeline, sinceText, ticks } from '../../../src/vscode/runPage/layout';
import type { LiveStep, PageStep } from '../../../src/vscode/runPage/protocol';

const second = 1_000;
const t0 = 1_700_000_000_000;

function step(live: Partial<LiveStep>, planned?: [number, number], lanes = [0]): PageStep {
  return {
    key: 'k',
    uses: 'u',
    lanes,
    ...(planned && { plannedFrom: planned[0], plannedTo: planned[1] }),
    live: { state: 'pending', title: 't', attempt: 1, ...live },
  };
}
const done = (from: number, to: number): Partial<LiveStep> => ({
  state: 'done',
  startedAt: t0 + from * second,
  endedAt: t0 + to * second,
});
const bars = (steps: PageStep[], now: number, end?: number) =>
  layoutTimeline(steps, 2, {
    start: t0,
    now: t0 + now * second,
    foretell: end === undefined,
    ...(end !== undefined && { end: t0 + end * second }),
  }).bars.map(({ kind, from, to, lane, row }) => [kind, (from - t0) / second, (to - t0) / second, lane, row]);

describe('the timeline', () => {
  it('draws what was done, and what is to come where the plan has it', () => {
    const steps = [
      step(done(0, 10), [0, 10]),
      step({ state: 'running', startedAt: t0 + 10 * second }, [10, 20]),
      step({}, [20, 25]),
    ];
    expect(bars(steps, 15)).toEqual([
      ['did', 0, 10, 0, 0],
      ['did', 10, 15, 0, 0],
      ['will', 15, 20, 0, 0],
      ['will', 20, 25, 0, 0],
    ]);
  });

  it('moves what is to come as what goes on is late', () => {
    const steps = [step({ state: 'running', startedAt: t0 }, [0, 10]), step({}, [10, 20])];
    expect(bars(steps, 30)).toEqual([
      ['did', 0, 30, 0, 0],
      ['will', 30, 40, 0, 0],
    ]);
  });

  it('believes what a step says of how far it is more than the estimate', () => {
    const steps = [step({ state: 'running', startedAt: t0, fraction: 0.5 }, [0, 100]), step({}, [100, 110])];
    expect(bars(steps, 10).slice(1)).toEqual([
      ['will', 10, 20, 0, 0],
      ['will', 20, 30, 0, 0],
    ]);
  });

  it('moves it forward when the last step was faster, but never before now', () => {
    const steps = [step(done(0, 4), [0, 10]), step({}, [10, 20])];
    expect(bars(steps, 4).at(-1)).toEqual(['will', 4, 14, 0, 0]);
    expect(bars(steps, 7).at(-1)).toEqual(['will', 7, 17, 0, 0]);
  });

  it('foretells nothing of a run that has ended, and shows what was not reached nowhere', () => {
    expect(bars([step(done(0, 4), [0, 10]), step({}, [10, 20])], 99, 5)).toEqual([['did', 0, 4, 0, 0]]);
  });

  it('shows an undo behind its step, in its row', () => {
    const undone = {
      ...done(0, 4),
      state: 'undone',
      undoStartedAt: t0 + 6 * second,
      undoEndedAt: t0 + 7 * second,
    } as const;
    expect(bars([step(undone), step(done(4, 6))], 99, 8)).toEqual([
      ['did', 0, 4, 0, 0],
      ['did', 4, 6, 0, 0],
      ['undo', 6, 7, 0, 0],
    ]);
  });

  it('draws a migration in the lanes of both hosts', () => {
    expect(bars([step(done(0, 4), undefined, [0, 1])], 99, 5)).toEqual([
      ['did', 0, 4, 0, 0],
      ['did', 0, 4, 1, 0],
    ]);
  });

  it('never draws two bars of a row over each other, and loses none', () => {
    const span = fc.tuple(fc.integer({ min: 0, max: 90 }), fc.integer({ min: 0, max: 30 }), fc.boolean(), fc.boolean());
    fc.assert(
      fc.property(fc.array(span, { maxLength: 60 }), spans => {
        const steps = spans.map(([from, length, two, undone]) =>
          step(
            undone
              ? {
                  ...done(from, from + length),
                  state: 'undone',
                  undoStartedAt: t0 + 125 * second,
                  undoEndedAt: t0 + 130 * second,
                }
              : done(from, from + length),
            undefined,
            two ? [0, 1] : [1],
          ),
        );
        const layout = layoutTimeline(steps, 2, { start: t0, now: t0, end: t0 + 130 * second, foretell: false });
        const expected = steps.reduce((sum, { lanes, live }) => sum + lanes.length * (live.undoStartedAt ? 2 : 1), 0);
        expect(layout.bars).toHaveLength(expected);
        const rows = new Map<string, [number, number][]>();
        for (const { lane, row, from, to } of layout.bars) {
          expect(row).toBeLessThan(layout.rows[lane]!);
          const others = rows.get(`${lane} ${row}`) ?? [];
          for (const [start, end] of others) expect(from >= end || to <= start).toBe(true);
          rows.set(`${lane} ${row}`, [...others, [from, to]]);
        }
      }),
    );
  });

  it('labels its axis with round times, never more than fit', () => {
    expect(ticks(t0, t0 + 95 * second, 10)).toMatchObject({ every: 10 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 * 86_400 }), fc.integer({ min: 2, max: 20 }), (seconds, most) => {
        const { at } = ticks(t0, t0 + seconds * second, most);
        expect(at.length).toBeLessThanOrEqual(most + 1);
      }),
    );
    expect([0, 59 * second, 90 * second, 7_500 * second].map(sinceText)).toEqual([
      '+0 s',
      '+59 s',
      '+1:30',
      '+2:05:00',
    ]);
  });
});
