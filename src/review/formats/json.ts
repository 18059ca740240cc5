import type { Review } from '../model';

/** The review itself; its shape is `schemas/review.schema.json`. Keys stand in alphabetical order, so that the same review is the same bytes. */
export function reviewJson(review: Review): string {
  return `${JSON.stringify(review, (_, value: unknown) => (isRecord(value) ? sorted(value) : value), 2)}\n`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function sorted(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).sort(([one], [other]) => (one < other ? -1 : 1)));
}
