import { type ActionSignature, inputSchemas } from './check-context';
import type { JsonObject } from './json';
import type { ActionStep } from './model';
import type { Report } from './report';
import { escapePointer } from './yaml-source';

/** What the hypervisors of an action's targets must be able to do. */
export function checkCapabilities(report: Report, action: ActionSignature, step: ActionStep): void {
  const { known } = report;
  if (!known) return;
  const said = new Set<string>();
  // Where a host is named, that is what the step is about; where its VM is may change until then.
  const inputs = Object.entries(inputSchemas(action)).sort(
    ([, one], [, other]) => Number(other['x-virtbook'] === 'host') - Number(one['x-virtbook'] === 'host'),
  );
  for (const [name, schema] of inputs) {
    const target = step.with[name];
    if (typeof target !== 'string' || target.includes('${{')) continue;
    const offered =
      schema['x-virtbook'] === 'host'
        ? known.capabilitiesOfHost?.(target)
        : schema['x-virtbook'] === 'vm'
          ? known.capabilitiesOfVm?.(target)
          : undefined;
    if (!offered) continue;
    for (const capability of requiredCapabilities(action, step.with)) {
      if (offered.has(capability) || said.has(capability)) continue;
      said.add(capability);
      const range = report.value(`${step.pointer}/with/${escapePointer(name)}`);
      report.add(
        'capability-missing',
        range,
        `\`${action.name}\` needs \`${capability}\`, which the hypervisor of \`${target}\` does not offer.`,
      );
    }
  }
}

/** Whether repeating an action does no harm, as far as its inputs are known. */
export function isIdempotent(action: ActionSignature, inputs: JsonObject): boolean {
  if (typeof action.idempotent === 'boolean') return action.idempotent;
  // What a template will give is not known, so nothing is said.
  if (JSON.stringify(inputs).includes('${{')) return true;
  try {
    return action.idempotent(inputs);
  } catch {
    return true;
  }
}

/** What a step asks of a hypervisor, as far as its inputs are known. */
export function requiredCapabilities(action: ActionSignature, inputs: JsonObject): readonly string[] {
  try {
    return action.requires(inputs);
  } catch {
    // Inputs that are not complete or not yet known; the plan will ask again.
    return [];
  }
}
