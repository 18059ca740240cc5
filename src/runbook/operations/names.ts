import type { Act } from './flow';

/** The VM of a step in a sentence: by its name, or by the expression that gives it. */
export function vmText({ vm, where }: Act): string {
  if (vm?.literal !== undefined) return `\`${vm.literal}\``;
  // The names of another file say nothing here.
  return vm?.source === undefined || where.call ? 'its VM' : `\`${vm.source}\``;
}

/** A step in a sentence: its id, else its action; and the file that it stands in, if that is another one. */
export function stepText({ step, where }: Act): string {
  const name = step.id === undefined ? `\`${step.uses}\`` : `the step \`${step.id}\``;
  return where.calledFile === undefined ? name : `${name} in \`${where.calledFile}\``;
}

/** As a sentence begins. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
