import type { Limits, MaintenanceWindow } from '../runbook/model';
import type { Plan } from './plan';
import { time, withoutMiddle } from './text-table';
import type { Timetable } from './timetable';

/** Whether it says more than the order of the steps does. */
export function tellsMore(plan: Plan, timetable: Timetable): boolean {
  return timetable.atOnce > 1 || plan.limits !== undefined || plan.windows !== undefined;
}

/** Head and rows; the middle of a long one is left out. */
export function timetableCells({ rows }: Timetable): string[][] {
  const places = rows.some(({ on }) => on.hosts.length + on.datastores.length + on.proxies.length > 0);
  const cells = rows.map(({ title, fromSeconds, toSeconds, on }) => [
    time(fromSeconds * 1000),
    time(toSeconds * 1000),
    title,
    ...(places ? [[...on.hosts, ...on.datastores, ...on.proxies].join(', ')] : []),
  ]);
  return [['from', 'to', 'step', ...(places ? ['on'] : [])], ...withoutMiddle(cells)];
}

/** Things that most steps at once act on, each with how many. */
const mostPeaks = 8;

/** `At most 4 steps at once: hv1 2, hv2 2; datastore nas 4; proxy backup1 1.` */
export function peakText({ atOnce, peak }: Timetable): string {
  const parts = [peaksOf(peak.hosts, ''), peaksOf(peak.datastores, 'datastore '), peaksOf(peak.proxies, 'proxy ')];
  const told = parts.filter(part => part !== '').join('; ');
  return `At most ${atOnce} ${atOnce === 1 ? 'step' : 'steps'} at once${told === '' ? '' : `: ${told}`}.`;
}

function peaksOf(peaks: Record<string, number>, kind: string): string {
  const most = Object.entries(peaks).sort(([, a], [, b]) => b - a);
  const more = most.length > mostPeaks ? ` and ${most.length - mostPeaks} more` : '';
  const told = most.slice(0, mostPeaks).map(([name, count]) => `${kind}${name} ${count}`);
  return told.length === 0 ? '' : told.join(', ') + more;
}

const limitTexts = {
  perHost: 'per host',
  perDatastore: 'per datastore',
  perProxy: 'per proxy',
  perConnection: 'per connection',
  total: 'in all',
} as const satisfies Record<keyof Limits, string>;

/** `at most 2 per host, 1 per proxy, 5 in all` */
export function limitsText(limits: Limits): string {
  const told = (Object.keys(limitTexts) as (keyof Limits)[]).flatMap(name =>
    limits[name] === undefined ? [] : [`${limits[name]} ${limitTexts[name]}`],
  );
  return `at most ${told.join(', ')}`;
}

const outside = { wait: 'started outside it waits', refuse: 'started outside it is refused' };
const closing = {
  drain: 'when it closes, what is under way is finished and the run stops',
  rollback: 'when it closes, everything is undone',
  ignore: 'when it closes, the run goes on',
};

/** `Sat 22:00-04:00 Europe/London; started outside it waits; when it closes, …` */
export function windowText(window: MaintenanceWindow): string {
  return `${window.allow.join(', ')} ${window.zone}; ${outside[window.outside]}; ${closing[window.closing]}`;
}
