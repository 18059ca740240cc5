// Writes the reference pages that are made from the action definitions and the table of proofs.
//   npx tsx scripts/generate-docs.ts
// They are committed; a test fails when they are not up to date.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TSchema } from 'typebox';
import { parse } from 'yaml';
import { type ActionDefinition, undoClassOf } from '../src/actions/action';
import { actions } from '../src/actions/catalogue';
import { capabilities } from '../src/hypervisors/capability';
import { capabilityTexts, proofs } from '../src/hypervisors/proof';

/** Path in the repository → text. */
export function generateDocs(): Record<string, string> {
  return { 'docs/actions.md': actionsPage(), 'docs/capabilities.md': capabilitiesPage() };
}

const undoTexts = {
  none: 'changes nothing',
  reversible: 'the undo takes back exactly what was done',
  restorable: 'the undo restores an earlier state; what came since is lost',
  irreversible: 'there is no undo',
};

type Schema = TSchema & {
  type?: string;
  enum?: unknown[];
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  patternProperties?: Record<string, Schema>;
  required?: string[];
  description?: string;
  default?: unknown;
};

function typeText(schema: Schema): string {
  if (schema.enum) return schema.enum.map(value => `\`${value}\``).join(', ');
  if (schema.anyOf) return schema.anyOf.map(typeText).join(' or ');
  if (schema.type === 'array') return `list of ${schema.items ? typeText(schema.items) : 'anything'}`;
  if (schema.patternProperties) return 'mapping';
  return schema.type ?? 'anything';
}

function rows(schema: Schema, kind: 'input' | 'output', prefix = ''): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const required = kind === 'input' && schema.required?.includes(name) ? ' (required)' : '';
    const fallback = property.default === undefined ? '' : ` Default: \`${JSON.stringify(property.default)}\`.`;
    const text = `${property.description ?? ''}${fallback}`.replaceAll('|', '\\|');
    const row = `| \`${prefix}${name}\`${required} | ${typeText(property)} | ${text} |`;
    const inner = property.type === 'array' ? property.items : property;
    return [row, ...(inner ? rows(inner, kind, `${prefix}${name}${property.type === 'array' ? '[]' : ''}.`) : [])];
  });
}

function undoText(action: ActionDefinition): string {
  if (typeof action.undoClass === 'string') return `**${action.undoClass}**: ${undoTexts[action.undoClass]}`;
  const [step] = parse(action.example) as { with: unknown }[];
  const shown = undoClassOf(action, step?.with);
  return `depends on the inputs; in the example **${shown}**: ${undoTexts[shown]}`;
}

function section(action: ActionDefinition): string {
  const [step] = parse(action.example) as { with: unknown }[];
  const needs = action.requires(step?.with).map(capability => `\`${capability}\``);
  return `## ${action.name}

${action.summary}

\`\`\`yaml
${action.example}
\`\`\`

${action.docs}

Undo class ${undoText(action)}.${needs.length > 0 ? `\nNeeds, as in the example: ${needs.join(', ')} (see [capabilities](capabilities.md)).` : ''}

| input | type | |
|---|---|---|
${rows(action.inputs as Schema, 'input').join('\n')}

| output | type | |
|---|---|---|
${rows(action.outputs as Schema, 'output').join('\n')}
`;
}

function actionsPage(): string {
  const index = actions.map(action => `| [${action.name}](#${action.name.replaceAll('.', '')}) | ${action.summary} |`);
  return `# Actions

What \`uses:\` can name. This page is made from \`src/actions\`; \`npm run generate\` writes it.

| action | |
|---|---|
${index.join('\n')}

A VM is named by its name or its uuid and found on whichever host it is. Every input can be an expression (\`\${{ … }}\`); outputs are read as
\`steps.ID.outputs.NAME\`.

${actions.map(section).join('\n')}`;
}

function capabilitiesPage(): string {
  const kinds = Object.keys(proofs) as (keyof typeof proofs)[];
  const table = capabilities.map(capability => {
    const users = actions.filter(action => needsEver(action).has(capability)).map(action => `\`${action.name}\``);
    const proven = kinds.map(kind => proofs[kind][capability] ?? 'no');
    return `| \`${capability}\` | ${capabilityTexts[capability]} | ${proven.join(' | ')} | ${users.join(', ')} |`;
  });
  return `# Capabilities

What each hypervisor can do, how that was proven, and which actions need it. An action asks only for what its inputs call for; a runbook
that asks a hypervisor for what it lacks is told so in the editor. This page is made from \`src/hypervisors/proof.ts\`; \`npm run generate\`
writes it.

*real*: on the hypervisor itself · *official simulator*: on its maker's · *own fake only*: on nothing but a model of ours. The
simulated hypervisor is that model; one and the same suite, \`test/behaviour\`, runs over it and over real libvirt.

| capability | | ${kinds.join(' | ')} | needed by |
|---|---|${kinds.map(() => '---|').join('')}---|
${table.join('\n')}
`;
}

/** What an action needs with any of the values that its enumerations and switches can take. */
function needsEver(action: ActionDefinition): Set<string> {
  let inputs: Record<string, unknown>[] = [(parse(action.example) as { with: Record<string, unknown> }[])[0]!.with];
  for (const [name, property] of Object.entries((action.inputs as Schema).properties ?? {})) {
    const values = property.enum ?? (property.type === 'boolean' ? [true, false] : []);
    inputs = inputs.flatMap(given => [given, ...values.map(value => ({ ...given, [name]: value }))]);
  }
  return new Set(inputs.flatMap(given => action.requires(given)));
}

if (process.argv[1] && path.basename(process.argv[1]) === 'generate-docs.ts') {
  for (const [file, text] of Object.entries(generateDocs())) writeFileSync(file, text);
}
