import { nearest } from './did-you-mean';
import type { MaintenanceWindow } from './model';
import { asObject } from './read-runbook';
import type { Report } from './report';
import { isZone, parseAllow } from './window';

/** Days, hours and zone of a maintenance window. */
export function checkWindow(report: Report, window: MaintenanceWindow): void {
  const written = asObject(asObject(report.parsed.data).window);
  for (const [index, text] of window.allow.entries()) {
    const place = Array.isArray(written.allow) ? `/window/allow/${index}` : '/window/allow';
    if (text.includes('${{')) report.noTemplate(text, place);
    else {
      const read = parseAllow(text);
      if (typeof read === 'string') report.add('bad-window', report.value(place), `\`${text}\`: ${read}`);
    }
  }
  const { zone } = window;
  if (typeof written.zone !== 'string' || isZone(zone)) return;
  const suggestions = nearestZones(zone);
  const hint =
    suggestions.length > 0
      ? `Did you mean ${suggestions.map(name => `\`${name}\``).join(' or ')}?`
      : 'Write its name, e.g. `Europe/London` or `UTC`.';
  report.add('bad-window', report.value('/window/zone'), `There is no time zone \`${zone}\`. ${hint}`, suggestions);
}

/** Zones with a similar name, or whose city has one. */
function nearestZones(name: string): string[] {
  const zones = [...Intl.supportedValuesOf('timeZone'), 'UTC'];
  const found = nearest(name, zones, 2);
  if (found.length > 0) return found;
  const city = (zone: string) => zone.slice(zone.lastIndexOf('/') + 1);
  const cities = nearest(city(name).replaceAll(' ', '_'), zones.map(city));
  return zones.filter(zone => cities.includes(city(zone))).slice(0, 3);
}
