import type {
  AddedRemoved,
  Difference,
  FailurePoint,
  PlanDifference,
  PlanFacts,
  Problem,
  RehearsalDifference,
  RehearsalFacts,
  Review,
  ReviewedInventory,
  ReviewedRunbook,
  UnreadableFile,
} from '../../../src/review/model';

/** Reviews made by hand, so that formats are tested on more than what one repository happens to give. */

export const nothing: AddedRemoved = { added: [], removed: [], kept: [] };

export function review(overrides: Partial<Review> = {}): Review {
  return {
    version: 1,
    base: { label: 'main', commit: '4f2d9c1b7a6e5d4c3b2a19080706050403020100' },
    head: { label: 'patch-in-batches', commit: 'a1b2c3d4e5f60718293a4b5c6d7e8f9001122334' },
    files: [],
    risk: { level: 'none', reasons: [] },
    reviewers: [],
    unknowns: [],
    ...overrides,
  };
}

export function facts(overrides: Partial<PlanFacts> = {}): PlanFacts {
  return {
    hash: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    steps: 6,
    seconds: 840,
    outages: [],
    windows: [],
    timetable: [],
    timetableLeftOut: 0,
    taken: {},
    unknowns: [],
    ...overrides,
  };
}

export function plan(overrides: Partial<PlanDifference> = {}): PlanDifference {
  return {
    same: false,
    vms: nothing,
    hosts: nothing,
    datastores: nothing,
    proxies: nothing,
    irreversible: nothing,
    pointsOfNoReturn: nothing,
    secrets: nothing,
    outages: [],
    ...overrides,
  };
}

export function rehearsed(overrides: Partial<RehearsalFacts> = {}): RehearsalFacts {
  return {
    clean: { status: 'done' },
    durationMs: 840_000,
    points: 52,
    bad: 0,
    needPerson: 0,
    counts: { 'came-back': 52 },
    assumed: [],
    ...overrides,
  };
}

export function rehearsal(overrides: Partial<RehearsalDifference> = {}): RehearsalDifference {
  return { newlyBad: [], noLongerBad: [], stillBad: [], ...overrides };
}

export function runbook(overrides: Partial<ReviewedRunbook> = {}): ReviewedRunbook {
  return {
    kind: 'runbook',
    path: 'runbooks/patch-web.runbook.yaml',
    change: 'changed',
    name: 'Patch the web servers',
    because: [],
    differences: [],
    plan: plan(),
    rehearsal: rehearsal(),
    problems: { added: [], removed: [], kept: [] },
    risk: { level: 'none', reasons: [] },
    unknowns: [],
    ...overrides,
  };
}

export function inventory(overrides: Partial<ReviewedInventory> = {}): ReviewedInventory {
  return {
    kind: 'inventory',
    path: 'prod.inventory.yaml',
    change: 'changed',
    differences: [],
    problems: { added: [], removed: [], kept: [] },
    risk: { level: 'none', reasons: [] },
    runbooks: [],
    ...overrides,
  };
}

export function unreadable(overrides: Partial<UnreadableFile> = {}): UnreadableFile {
  return {
    kind: 'unreadable',
    path: 'runbooks/drain.runbook.yaml',
    change: 'changed',
    why: 'It has merge conflict markers in line 7: resolve the conflict.',
    isNew: true,
    place: { path: 'runbooks/drain.runbook.yaml', line: 7, endLine: 7 },
    ...overrides,
  };
}

export function difference(text: string, line: number, overrides: Partial<Difference> = {}): Difference {
  return {
    kind: 'step',
    change: 'changed',
    text,
    head: { path: 'runbooks/patch-web.runbook.yaml', line, endLine: line },
    effect: 'neutral',
    ...overrides,
  };
}

export function problem(overrides: Partial<Problem> = {}): Problem {
  return {
    code: 'unknown-vm',
    severity: 'error',
    message: 'There is no VM web9 in prod.inventory.yaml. Did you mean web3?',
    place: { path: 'runbooks/patch-web.runbook.yaml', line: 31, endLine: 31 },
    ...overrides,
  };
}

export function failure(overrides: Partial<FailurePoint> = {}): FailurePoint {
  return {
    step: { pointer: '/steps/1/steps/1', title: 'Patch web1', uses: 'guest.patch', key: 'each[web1].patch' },
    fault: 'agent-silent',
    verdict: 'left-unsaid',
    other: 'came-back',
    bad: 4,
    ways: 4,
    story: [
      'In each[web1].patch, the guest agent stops answering in GuestAgent.exec on web1, which happened.',
      'The step failed: the guest agent of web1 did not answer for 60 s.',
      'The run was rolled back; `rollback: none` of each[web1].patch left what it did.',
      'It ended failed, and does not name web1.',
    ],
    left: ['VM web1: packages openssl 3.0.11 → 3.0.15', 'VM web1: is off'],
    place: { path: 'runbooks/patch-web.runbook.yaml', line: 24, endLine: 27 },
    ...overrides,
  };
}

/** One of everything, as a real change would have it. */
export const rich: Review = review({
  files: [
    runbook({
      differences: [
        difference('Step snapshot (vm.snapshot) removed', 18, {
          kind: 'step',
          change: 'removed',
          effect: 'riskier',
          base: { path: 'runbooks/patch-web.runbook.yaml', line: 18, endLine: 21 },
          head: undefined,
        }),
        difference('Step patch (guest.patch): rollback: its own undo → none', 27, {
          kind: 'rollback',
          effect: 'riskier',
          field: 'rollback',
          before: null,
          after: 'none',
        }),
        difference('Step patch (guest.patch): input packages: all → openssl, nginx', 25, {
          field: 'with.packages',
          before: 'all',
          after: ['openssl', 'nginx'],
        }),
        difference('Limit perHost: 1 → 2', 8, { kind: 'limit', effect: 'riskier', field: 'limits.perHost' }),
        difference('Step check (check.guest) moved before step note', 29, { change: 'moved' }),
        difference('Input vms: default: group:web → group:web, group:api', 6, { kind: 'input' }),
      ],
      plan: plan({
        base: facts({
          steps: 9,
          seconds: 780,
          hash: 'c0ffee081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
          limits: 'perHost 1, total 4',
          windows: ['Sat 22:00-04:00 Europe/London'],
          outages: [
            { vm: 'web1', seconds: 42, from: 'rehearsed' },
            { vm: 'web2', seconds: 42, from: 'rehearsed' },
          ],
        }),
        head: facts({
          steps: 12,
          seconds: 910,
          limits: 'perHost 2, total 4',
          windows: ['Sat 22:00-04:00 Europe/London'],
          outages: [
            { vm: 'api1', seconds: 160, from: 'estimated' },
            { vm: 'web1', seconds: 95, from: 'rehearsed' },
          ],
          timetable: [
            { title: 'Approve: Patch 4 VMs?', fromSeconds: 0, toSeconds: 0 },
            { title: 'Patch web1', fromSeconds: 0, toSeconds: 240 },
            { title: 'Check web1', fromSeconds: 240, toSeconds: 262 },
            { title: 'Patch web2', fromSeconds: 262, toSeconds: 505 },
            { title: 'Patch api1', fromSeconds: 505, toSeconds: 910 },
          ],
          timetableLeftOut: 4,
          unknowns: ['How many packages guest.patch finds on api1 is only known when it runs.'],
        }),
        vms: { added: ['api1', 'api2'], removed: [], kept: ['web1', 'web2'] },
        hosts: { added: ['hv3'], removed: [], kept: ['hv1', 'hv2'] },
        irreversible: { added: ['Patch web1', 'Patch web2', 'Patch api1', 'Patch api2'], removed: [], kept: [] },
        outages: [
          {
            vm: 'api1',
            after: { seconds: 160, from: 'estimated' },
          },
          {
            vm: 'web1',
            before: { seconds: 42, from: 'rehearsed' },
            after: { seconds: 95, from: 'rehearsed' },
          },
        ],
      }),
      rehearsal: rehearsal({
        base: rehearsed(),
        head: rehearsed({
          points: 64,
          bad: 7,
          needPerson: 2,
          counts: { 'came-back': 55, 'came-back-later': 2, left: 3, 'left-unsaid': 4 },
          assumed: ['The guest agent of api2 runs.'],
        }),
        newlyBad: [
          failure(),
          failure({
            fault: 'runner-killed',
            verdict: 'left',
            bad: 2,
            ways: 6,
            story: [
              'In each[web1].patch, the runner is killed halfway through GuestAgent.exec, and another one resumes the run.',
              'The step failed, as its outcome was unknown, and the run was rolled back.',
              'The end of the run names web1 as left to do.',
            ],
            left: ['VM web1: packages openssl 3.0.11 → 3.0.15'],
          }),
          failure({
            step: { pointer: '/steps/1/steps/2', title: 'Check web1', uses: 'check.guest', key: 'each[web1].check' },
            fault: 'fails-before',
            verdict: 'left',
            bad: 1,
            ways: 1,
            story: ['In each[web1].check, GuestAgent.ping fails and does nothing.', 'The run was rolled back.'],
            left: ['VM web1: packages openssl 3.0.11 → 3.0.15'],
            place: { path: 'runbooks/patch-web.runbook.yaml', line: 29, endLine: 30 },
          }),
        ],
        stillBad: [],
        noLongerBad: [],
      }),
      problems: {
        added: [
          problem({
            code: 'rollback-none',
            severity: 'warning',
            message:
              'Nothing takes this step back when a later one fails. Give it a rollback, or snapshot the VM before.',
            place: { path: 'runbooks/patch-web.runbook.yaml', line: 27, endLine: 27 },
          }),
          problem(),
        ],
        removed: [],
        kept: [
          problem({
            code: 'unused-input',
            severity: 'warning',
            message: 'The input reboot is never used.',
            place: { path: 'runbooks/patch-web.runbook.yaml', line: 7, endLine: 7 },
          }),
        ],
      },
      risk: {
        level: 'high',
        reasons: [
          { code: 'not-back', level: 'high', text: '3 failures newly do not come back', count: 3 },
          { code: 'rollback-removed', level: 'high', text: '1 rollback is none now: patch', count: 1 },
          { code: 'safeguard-removed', level: 'medium', text: '1 snapshot is gone: snapshot', count: 1 },
          { code: 'limit-raised', level: 'medium', text: 'more at once: perHost 1 → 2', count: 1 },
          { code: 'new-target', level: 'low', text: '3 newly touched: api1, api2, hv3', count: 3 },
        ],
      },
      unknowns: ['Input token has no default; its mark stands for it.'],
    }),
    runbook({
      path: 'runbooks/evacuate.runbook.yaml',
      name: 'Evacuate a host',
      change: 'affected',
      because: ['prod.inventory.yaml'],
      plan: plan({
        base: facts(),
        head: facts({ hash: 'feedface081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00' }),
        hosts: { added: ['hv3'], removed: [], kept: ['hv1', 'hv2'] },
      }),
      rehearsal: rehearsal({
        base: rehearsed({ points: 118, bad: 2 }),
        head: rehearsed({ points: 131, bad: 1 }),
        noLongerBad: [
          failure({
            step: { pointer: '/steps/0', title: 'Evacuate hv1', uses: 'host.evacuate', key: 'evacuate' },
            fault: 'host-lost',
            verdict: 'left',
            other: 'came-back',
            story: [],
            left: [],
            place: { path: 'runbooks/evacuate.runbook.yaml', line: 9, endLine: 11 },
          }),
        ],
        stillBad: [
          failure({
            step: { pointer: '/steps/2', title: 'Maintenance hv1', uses: 'host.maintenance', key: 'maintenance' },
            fault: 'unknown',
            verdict: 'left',
            other: 'left',
            bad: 1,
            ways: 2,
            story: ['In maintenance, the connection is lost in Maintenance.enter, which happened.'],
            left: ['host hv1: is in maintenance'],
            place: { path: 'runbooks/evacuate.runbook.yaml', line: 15, endLine: 16 },
          }),
        ],
      }),
      risk: {
        level: 'low',
        reasons: [{ code: 'new-target', level: 'low', text: '1 newly touched: hv3', count: 1 }],
      },
    }),
    runbook({
      path: 'runbooks/backup-db.runbook.yaml',
      basePath: 'runbooks/backup.runbook.yaml',
      name: 'Back up the databases',
      change: 'renamed',
      plan: plan({ base: facts(), head: facts(), same: true }),
      rehearsal: rehearsal({ base: rehearsed({ points: 38 }), head: rehearsed({ points: 38 }) }),
      risk: { level: 'low', reasons: [{ code: 'changed', level: 'low', text: 'it has another path', count: 1 }] },
    }),
    runbook({
      path: 'runbooks/start-lab.runbook.yaml',
      name: 'Start the lab',
      plan: plan({ base: facts(), head: facts(), same: true }),
      rehearsal: rehearsal({ base: rehearsed({ points: 12 }), head: rehearsed({ points: 12 }) }),
    }),
    inventory({
      differences: [
        difference('Group web: VMs web1, web2 → web1, web2, web3', 14, {
          kind: 'group',
          head: { path: 'prod.inventory.yaml', line: 14, endLine: 14 },
        }),
        difference('Connection dc2 added: libvirt, qemu+ssh://hv3.example.org/system', 9, {
          kind: 'connection',
          change: 'added',
          head: { path: 'prod.inventory.yaml', line: 9, endLine: 11 },
        }),
      ],
      runbooks: ['runbooks/evacuate.runbook.yaml', 'runbooks/patch-web.runbook.yaml'],
      risk: { level: 'low', reasons: [{ code: 'changed', level: 'low', text: '2 differences', count: 2 }] },
    }),
    unreadable({ isNew: false, change: 'changed' }),
  ],
  risk: {
    level: 'high',
    reasons: [{ code: 'not-back', level: 'high', text: '3 failures newly do not come back', count: 3 }],
  },
  reviewers: [
    { team: '@shop/web-team', because: ['group:web (web1, web2)', 'path:runbooks/patch-*'] },
    { team: '@shop/platform', because: ['host:hv* (hv1, hv2, hv3)'] },
  ],
  unknowns: ['prod.inventory.yaml names libvirt connections and no capture is beside it: dc2 was not rehearsed.'],
});

/** A change that is good to merge. */
export const harmless: Review = review({
  head: { label: 'the working tree' },
  files: [
    runbook({
      differences: [difference('Name: Patch web → Patch the web servers', 2, { kind: 'name' })],
      plan: plan({ base: facts(), head: facts(), same: true }),
      rehearsal: rehearsal({ base: rehearsed(), head: rehearsed() }),
      risk: { level: 'low', reasons: [{ code: 'changed', level: 'low', text: '1 difference', count: 1 }] },
    }),
  ],
  risk: { level: 'low', reasons: [{ code: 'changed', level: 'low', text: '1 difference', count: 1 }] },
});

/** Only comments and formatting. */
export const formatting: Review = review({
  files: [
    runbook({
      plan: plan({ base: facts(), head: facts(), same: true }),
      rehearsal: rehearsal({ base: rehearsed(), head: rehearsed() }),
    }),
    inventory(),
  ],
});

export const empty: Review = review();

/** More files, problems and stories than fit into a comment. */
export function large(files: number, each: number): Review {
  return review({
    files: Array.from({ length: files }, (_, at) => {
      const path = `runbooks/team-${at}/service-${at}.runbook.yaml`;
      return runbook({
        path,
        name: `Service ${at}`,
        differences: Array.from({ length: each }, (_, nth) =>
          difference(`Step s${nth} (guest.run): input argv changed`, nth + 1),
        ),
        rehearsal: rehearsal({
          base: rehearsed(),
          head: rehearsed({ bad: each }),
          newlyBad: Array.from({ length: each }, (_, nth) =>
            failure({
              step: { pointer: `/steps/${nth}`, title: `Step ${nth}`, uses: 'guest.run', key: `s${nth}` },
              place: { path, line: nth + 1, endLine: nth + 1 },
            }),
          ),
        }),
        plan: plan({ base: facts(), head: facts({ steps: 7 }), vms: { added: [`vm${at}`], removed: [], kept: [] } }),
        problems: {
          added: Array.from({ length: each }, (_, nth) =>
            problem({ place: { path, line: nth + 1, endLine: nth + 1 } }),
          ),
          removed: [],
          kept: [],
        },
        risk: { level: 'high', reasons: [{ code: 'not-back', level: 'high', text: `${each} newly`, count: each }] },
      });
    }),
    risk: { level: 'high', reasons: [] },
  });
}
