import { type Static, Type } from 'typebox';
import { rehearsedFaults } from '../engine/rehearse-points';
import { verdicts } from '../engine/rehearse-verdict';
import type { Json } from '../runbook/json';

/** The JSON Schema of reviews. Published in `schemas/`; `virtbook review --format json` keeps to it. The types of `model.ts` are held to it in its test. */

const strict = { additionalProperties: false };
const text = Type.String();
const texts = Type.Array(text);
const count = Type.Integer({ minimum: 0 });
const optional = Type.Optional;
const json = Type.Unsafe<Json>({});

const place = Type.Object(
  { path: text, line: Type.Integer({ minimum: 1 }), endLine: Type.Integer({ minimum: 1 }) },
  { ...strict, description: 'A place in a file; lines from 1, both included.' },
);
const revision = Type.Object({ label: text, commit: optional(text) }, strict);
const riskLevel = Type.Enum(['none', 'low', 'medium', 'high']);
const risk = Type.Object(
  {
    level: riskLevel,
    reasons: Type.Array(Type.Object({ code: text, level: riskLevel, text, count }, strict), {
      description: 'The highest first; equal reasons are one, counted.',
    }),
  },
  strict,
);
const stepFields = {
  pointer: Type.String({ description: 'JSON pointer; of a called runbook its path and `#` before it.' }),
  title: text,
  uses: optional(text),
};
const step = Type.Object(stepFields, strict);

const difference = Type.Object(
  {
    kind: Type.Enum([
      'name',
      'description',
      'inventory',
      'input',
      'output',
      'limit',
      'window',
      'step',
      'condition',
      'loop',
      'retry',
      'timeout',
      'rollback',
      'approval',
      'point-of-no-return',
      'finally',
      'call',
      'connection',
      'group',
      'proxy',
      'vm',
    ]),
    change: Type.Enum(['added', 'removed', 'changed', 'moved']),
    text: Type.String({ description: 'One line for people.' }),
    step: optional(Type.Object({ base: optional(step), head: optional(step) }, strict)),
    field: optional(Type.String({ description: 'What of it, with dots.' })),
    before: optional(json),
    after: optional(json),
    base: optional(place),
    head: optional(place),
    effect: Type.Enum(['safer', 'riskier', 'neutral']),
  },
  strict,
);

const addedRemoved = Type.Object({ added: texts, removed: texts, kept: texts }, strict);
const outageFields = {
  seconds: Type.Number({ minimum: 0 }),
  from: Type.Enum(['rehearsed', 'estimated']),
  staysOff: optional(Type.Literal(true)),
};
const outage = Type.Object(outageFields, strict);
const planFacts = Type.Object(
  {
    hash: text,
    steps: count,
    seconds: Type.Number({ minimum: 0 }),
    outages: Type.Array(Type.Object({ vm: text, ...outageFields }, strict)),
    limits: optional(text),
    windows: texts,
    timetable: Type.Array(Type.Object({ title: text, fromSeconds: Type.Number(), toSeconds: Type.Number() }, strict)),
    timetableLeftOut: count,
    taken: Type.Record(text, json, {
      description: 'Values that were taken for inputs without a default.',
    }),
    unknowns: texts,
  },
  strict,
);
const plan = Type.Object(
  {
    base: optional(planFacts),
    head: optional(planFacts),
    baseProblem: optional(text),
    headProblem: optional(text),
    same: Type.Boolean({ description: 'The two plans do the same.' }),
    vms: addedRemoved,
    hosts: addedRemoved,
    datastores: addedRemoved,
    proxies: addedRemoved,
    irreversible: addedRemoved,
    pointsOfNoReturn: addedRemoved,
    secrets: addedRemoved,
    outages: Type.Array(Type.Object({ vm: text, before: optional(outage), after: optional(outage) }, strict), {
      description: 'VMs whose longest predicted outage is another than before.',
    }),
  },
  strict,
);

const verdict = Type.Enum([...verdicts]);
const rehearsalFacts = Type.Object(
  {
    clean: Type.Object({ status: text, message: optional(text) }, strict),
    durationMs: Type.Number({ minimum: 0 }),
    points: count,
    bad: count,
    needPerson: count,
    counts: Type.Partial(
      Type.Object(
        {
          finished: count,
          'came-back': count,
          'as-declared': count,
          'came-back-later': count,
          forward: count,
          'finally-open': count,
          left: count,
          'left-unsaid': count,
          stuck: count,
          'not-hit': count,
        },
        strict,
      ),
    ),
    assumed: texts,
  },
  strict,
);
const failurePoint = Type.Object(
  {
    step: Type.Object({ ...stepFields, key: text }, strict),
    fault: Type.Enum([...rehearsedFaults]),
    verdict,
    other: optional(verdict),
    otherBad: optional(count),
    bad: count,
    ways: count,
    story: texts,
    left: texts,
    place: optional(place),
  },
  strict,
);
const rehearsal = Type.Object(
  {
    base: optional(rehearsalFacts),
    head: optional(rehearsalFacts),
    baseProblem: optional(text),
    headProblem: optional(text),
    newlyBad: Type.Array(failurePoint, {
      description:
        'Failure points that do not come back now, and did before or were not there before. The worst first.',
    }),
    noLongerBad: Type.Array(failurePoint),
    stillBad: Type.Array(failurePoint),
  },
  strict,
);
const problems = Type.Array(
  Type.Object({ code: text, severity: Type.Enum(['error', 'warning', 'info']), message: text, place }, strict),
);
const problemDifference = Type.Object({ added: problems, removed: problems, kept: problems }, strict);

const reviewed = {
  path: text,
  basePath: optional(text),
  change: Type.Enum(['added', 'deleted', 'changed', 'renamed', 'affected']),
};
const runbook = Type.Object(
  {
    kind: Type.Literal('runbook'),
    ...reviewed,
    name: text,
    because: texts,
    differences: Type.Array(difference),
    plan,
    rehearsal,
    problems: problemDifference,
    risk,
    unknowns: texts,
  },
  strict,
);
const inventory = Type.Object(
  {
    kind: Type.Literal('inventory'),
    ...reviewed,
    differences: Type.Array(difference),
    problems: problemDifference,
    risk,
    runbooks: texts,
  },
  strict,
);
const unreadable = Type.Object(
  { kind: Type.Literal('unreadable'), ...reviewed, why: text, isNew: Type.Boolean(), place: optional(place) },
  strict,
);

export const reviewSchema = Type.Object(
  {
    version: Type.Literal(1),
    base: revision,
    head: revision,
    files: Type.Array(Type.Union([runbook, inventory, unreadable]), {
      description: 'Runbooks by risk, the highest first; then inventories; then what can not be read.',
    }),
    risk,
    reviewers: Type.Array(Type.Object({ team: text, because: texts }, strict)),
    unknowns: texts,
  },
  {
    ...strict,
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: 'https://virtbook.dev/schemas/review.schema.json',
    title: 'Virtbook review',
    description: 'What a change of runbooks and inventories would do: the output of `virtbook review --format json`.',
  },
);

/** What the schema takes, as a type. */
export type ReviewOfSchema = Static<typeof reviewSchema>;
