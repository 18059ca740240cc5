import type { RehearsedFault } from '../engine/rehearse-points';
import type { Verdict } from '../engine/rehearse-verdict';
import type { Json } from '../runbook/json';

/**
 * What a change of runbooks and inventories would do. Plain data: `virtbook review --format json` prints it, every other format is made from
 * it. The same input gives the same bytes: nothing in it comes from a clock, a random number or this computer.
 */
export interface Review {
  version: 1;
  base: RevisionName;
  head: RevisionName;
  /** Runbooks by risk (highest first), then by path; then inventories; then what can't be read. */
  files: ReviewedFile[];
  /** The highest of all files, with all their reasons. */
  risk: Risk;
  reviewers: SuggestedReviewer[];
  /** What can't be known of all of them, each a sentence. */
  unknowns: string[];
}

export interface RevisionName {
  /** For people: `main`, `the working tree`, `the index`. */
  label: string;
  /** Of a commit, its full hash. */
  commit?: string;
}

export type ReviewedFile = ReviewedRunbook | ReviewedInventory | UnreadableFile;

/**
 * - `renamed`: it has another path; it may be changed as well
 * - `affected`: the file itself is unchanged, but not what it calls or the inventory it names
 */
export type FileChangeKind = 'added' | 'deleted' | 'changed' | 'renamed' | 'affected';

interface Reviewed {
  /** From the root of the repository, with `/`: at the head, or at the base when it is deleted. */
  path: string;
  /** `renamed`: its path at the base. */
  basePath?: string;
  change: FileChangeKind;
}

export interface ReviewedRunbook extends Reviewed {
  kind: 'runbook';
  /** As the runbook says; its path where it can't be read. */
  name: string;
  /** Paths of the changed files that it calls, or takes its inventory from. */
  because: string[];
  /** In the order of the file at the head; empty when only comments and formatting changed. */
  differences: Difference[];
  plan: PlanDifference;
  rehearsal: RehearsalDifference;
  problems: ProblemDifference;
  risk: Risk;
  /** What can't be known of it and why, or what was taken for granted, each a sentence. */
  unknowns: string[];
}

export interface ReviewedInventory extends Reviewed {
  kind: 'inventory';
  differences: Difference[];
  problems: ProblemDifference;
  risk: Risk;
  /** Paths of the runbooks that name it at the head, sorted. */
  runbooks: string[];
}

/** A changed runbook or inventory that can't be read as one on either side. */
export interface UnreadableFile extends Reviewed {
  kind: 'unreadable';
  /** A sentence: it is binary, is larger than so much, is not UTF-8, has merge conflict markers in line 7 … */
  why: string;
  /** Why counts as a problem of the change: the head is unreadable and the base was not. */
  isNew: boolean;
  place?: Place;
}

/** A place in a file; lines from 1, both included. */
export interface Place {
  path: string;
  line: number;
  endLine: number;
}

export type DifferenceKind =
  | 'name'
  | 'description'
  | 'inventory'
  | 'input'
  | 'output'
  | 'limit'
  | 'window'
  | 'step'
  | 'condition'
  | 'loop'
  | 'retry'
  | 'timeout'
  | 'rollback'
  | 'approval'
  | 'point-of-no-return'
  | 'finally'
  | 'call'
  // Of an inventory:
  | 'connection'
  | 'group'
  | 'proxy'
  | 'vm';

/** One difference in meaning; formatting, comments and quoting are none. */
export interface Difference {
  kind: DifferenceKind;
  /** A step that stands elsewhere is `moved`, never removed and added; one that is moved and changed gives a difference for each. */
  change: 'added' | 'removed' | 'changed' | 'moved';
  /** One line for people, plain text: `Step patch (guest.patch): input packages: all → openssl`. Says nothing of a secret's value. */
  text: string;
  /** Of a difference of a step: the step at both sides, as far as there is one. */
  step?: { base?: StepRef; head?: StepRef };
  /** What of it, with dots: `with.quiesce`, `limits.perHost`, `inputs.vms.default`. */
  field?: string;
  before?: Json;
  after?: Json;
  /** Where it stands. */
  base?: Place;
  head?: Place;
  /** `safer` and `riskier`: it takes a safeguard away or brings one. */
  effect: 'safer' | 'riskier' | 'neutral';
}

export interface StepRef {
  /** JSON pointer; of a called runbook's step, its path relative to the outermost runbook and `#` before it. */
  pointer: string;
  /** Name, id or action, for people. */
  title: string;
  uses?: string;
}

/** A value before and after; one of them may be missing. */
export interface BeforeAfter<T> {
  before?: T;
  after?: T;
}

export interface AddedRemoved {
  added: string[];
  removed: string[];
  /** Both before and after; all, where nothing is known of one of these because it could not be planned. */
  kept: string[];
}

/** The plan before against the plan after, with the same values for inputs. */
export interface PlanDifference {
  base?: PlanFacts;
  head?: PlanFacts;
  /** Why there is no plan on a side: a sentence. A side without the file has neither a plan nor a problem. */
  baseProblem?: string;
  headProblem?: string;
  /** The two plans do the same: equal but for names, positions and what people read. */
  same: boolean;
  /** Names of what is changed by it, sorted. */
  vms: AddedRemoved;
  hosts: AddedRemoved;
  datastores: AddedRemoved;
  proxies: AddedRemoved;
  /** Titles of steps that can't be undone. */
  irreversible: AddedRemoved;
  /** What they say. */
  pointsOfNoReturn: AddedRemoved;
  /** Names of secret inputs. */
  secrets: AddedRemoved;
  /** VMs whose longest predicted outage is another than before, the longest first; of a plan on one side only, all of them. */
  outages: ({ vm: string } & BeforeAfter<Outage>)[];
}

/** What is told of a plan on one side. */
export interface PlanFacts {
  /** Of the whole plan; people are shown 12 digits. */
  hash: string;
  /** Actions that would run, those of items counted one by one. */
  steps: number;
  /** Estimated, if every step takes as long as its action says. */
  seconds: number;
  /** The longest time that each VM is predicted not to serve, the longest first; VMs that have none are left out. */
  outages: ({ vm: string } & Outage)[];
  /** `perHost 2, total 4`; undefined: none. */
  limits?: string;
  /** As people read them. */
  windows: string[];
  /** In the order in which they begin; long ones without their middle. */
  timetable: { title: string; fromSeconds: number; toSeconds: number }[];
  /** Rows that `timetable` leaves out. */
  timetableLeftOut: number;
  /** Values that were taken for inputs without a default, so that it could be planned. */
  taken: Record<string, Json>;
  /** What the plan does not know, each a sentence. */
  unknowns: string[];
}

export interface Outage {
  seconds: number;
  /** `rehearsed`: measured in the rehearsal in which nothing went wrong. `estimated`: what its actions say. */
  from: 'rehearsed' | 'estimated';
  /** It does not serve any more at the end of the run, so `seconds` counts until then. */
  staysOff?: true;
}

/** The rehearsal before against the rehearsal after. */
export interface RehearsalDifference {
  base?: RehearsalFacts;
  head?: RehearsalFacts;
  /** Why a side was not rehearsed: a sentence. */
  baseProblem?: string;
  headProblem?: string;
  /**
   * Failure points that do not come back now, and did before or were not there before, and those that are worse than before: they end worse,
   * or more of their ways do not come back (of one item of a loop; more items alone are not worse). The headline of a report. The worst first.
   */
  newlyBad: FailurePoint[];
  /** Those that did not come back, and do now or are gone. None when the head was not rehearsed: then nobody knows. */
  noLongerBad: FailurePoint[];
  /** On both sides, and no worse than before. */
  stillBad: FailurePoint[];
}

export interface RehearsalFacts {
  /** How the run in which nothing went wrong ended: `done`, or what it said. */
  clean: { status: string; message?: string };
  durationMs: number;
  /** Failure points rehearsed, those that don't come back, those that come to a good end only with a person. */
  points: number;
  bad: number;
  needPerson: number;
  /** How many ended in which way; those with none are left out. */
  counts: Partial<Record<Verdict, number>>;
  /** What of the copy was taken for granted, each a sentence. */
  assumed: string[];
}

/** A step and a fault: one or more ways of it, of which at least one does not come back. */
export interface FailurePoint {
  step: StepRef & { key: string };
  fault: RehearsedFault;
  /** The worst on this side: the head, or the base for those that are no longer bad. */
  verdict: Verdict;
  /** The worst on the other side, when the step is there and the fault can hit it. */
  other?: Verdict;
  /** Ways of it that do not come back, of all. */
  bad: number;
  ways: number;
  /** Ways that do not come back on the other side, where `other` is there. */
  otherBad?: number;
  /** What happens then, sentences in order. */
  story: string[];
  /** A line for each thing that is not as it was. */
  left: string[];
  place?: Place;
}

export interface ProblemDifference {
  /** Not there before this change. */
  added: Problem[];
  /** There before, and gone. */
  removed: Problem[];
  /** There before and after: not this change's. */
  kept: Problem[];
}

export interface Problem {
  /** Code of the rule; the same in the editor. */
  code: string;
  severity: 'error' | 'warning' | 'info';
  message: string;
  /** At the head; at the base for those that are gone. */
  place: Place;
}

export type RiskLevel = 'none' | 'low' | 'medium' | 'high';

export interface Risk {
  level: RiskLevel;
  /** The highest first; equal reasons are one, counted. */
  reasons: RiskReason[];
}

export interface RiskReason {
  /** Stable: `not-back`, `irreversible`, `rollback-removed`, `approval-removed`, `new-target` … */
  code: string;
  level: RiskLevel;
  /** `3 VMs are newly touched: web1, web2, web3`. */
  text: string;
  count: number;
}

export interface SuggestedReviewer {
  /** As the mapping writes it: `@org/web-team`. */
  team: string;
  /** Why, each a few words: `group:web (web1, web2)`. */
  because: string[];
}
