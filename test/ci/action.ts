import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type Ended, type Env, end } from './shell';

interface Step {
  id?: string;
  name?: string;
  if?: string;
  shell?: string;
  run?: string;
  uses?: string;
  with?: Record<string, string>;
  env?: Record<string, string>;
  'continue-on-error'?: boolean;
}

export interface ActionFile {
  inputs: Record<string, { description: string; default: string }>;
  outputs: Record<string, { description: string; value: string }>;
  runs: { using: string; steps: Step[] };
}

export function actionFile(folder: string): ActionFile {
  return parse(readFileSync(join(folder, 'action.yml'), 'utf8')) as ActionFile;
}

export interface ActionRun {
  /** Whether the job goes on after it. */
  ok: boolean;
  outputs: Record<string, string>;
  summary: string;
  /** What each step that runs a script said, by its name. */
  said: Record<string, string>;
  /** Steps that use other actions, which are not run here, with what they were given. */
  used: { uses: string; with: Record<string, string> }[];
}

/** Runs the steps of action.yml as GitHub's runner does: scripts in bash, with the values of expressions in the environment. */
export async function runAction(given: {
  /** Of the action's own checkout. */
  action: string;
  workspace: string;
  env: Env;
  eventName: string;
  event: unknown;
  inputs: Record<string, string>;
  token: string;
}): Promise<ActionRun> {
  const { inputs: declared, outputs, runs } = actionFile(given.action);
  const temp = mkdtempSync(join(given.env.HOME!, 'runner-'));
  const file = (name: string, text = ''): string => {
    writeFileSync(join(temp, name), text);
    return join(temp, name);
  };
  mkdirSync(join(temp, 'temp'));
  const values = new Map<string, string>([
    ['github.event_name', given.eventName],
    ['github.token', given.token],
  ]);
  for (const [name, { default: value }] of Object.entries(declared)) {
    values.set(`inputs.${name}`, given.inputs[name] ?? filledIn(value, values));
  }
  const summary = file('summary.md');
  const github: Env = {
    ...given.env,
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_ACTION_PATH: given.action,
    GITHUB_WORKSPACE: given.workspace,
    GITHUB_EVENT_NAME: given.eventName,
    GITHUB_EVENT_PATH: file('event.json', JSON.stringify(given.event)),
    GITHUB_STEP_SUMMARY: summary,
    RUNNER_TEMP: join(temp, 'temp'),
  };
  const result: ActionRun = { ok: true, outputs: {}, summary: '', said: {}, used: [] };
  for (const [at, step] of runs.steps.entries()) {
    if (!result.ok) break;
    if (step.if !== undefined && !isTrue(step.if, values)) continue;
    if (step.uses !== undefined) {
      const options = Object.entries(step.with ?? {}).map(([name, value]) => [name, filledIn(value, values)]);
      result.used.push({ uses: step.uses, with: Object.fromEntries(options) });
      continue;
    }
    if (step.shell !== 'bash' || step.run === undefined)
      throw new Error(`Step ${at} is neither a script nor an action.`);
    const own = Object.entries(step.env ?? {}).map(([name, value]) => [name, filledIn(value, values)]);
    const written = file(`output-${at}`);
    const script = file(`script-${at}.sh`, step.run);
    const ended: Ended = await end('bash', ['--noprofile', '--norc', '-eo', 'pipefail', script], given.workspace, {
      ...github,
      ...Object.fromEntries(own),
      GITHUB_OUTPUT: written,
    });
    result.said[step.name ?? step.id ?? String(at)] = ended.output;
    for (const line of readFileSync(written, 'utf8').split('\n')) {
      const equals = line.indexOf('=');
      if (equals > 0) values.set(`steps.${step.id}.outputs.${line.slice(0, equals)}`, line.slice(equals + 1));
    }
    if (ended.code !== 0) result.ok = step['continue-on-error'] === true;
  }
  result.summary = readFileSync(summary, 'utf8');
  for (const [name, { value }] of Object.entries(outputs)) result.outputs[name] = filledIn(value, values);
  return result;
}

/** Values are pasted in as they are, as the runner does it. */
function filledIn(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(/\$\{\{ *([\w.-]+) *\}\}/g, (_, name: string) => {
    if (!/^(inputs|steps|github)\./.test(name)) throw new Error(`There is no ${name} here.`);
    return values.get(name) ?? '';
  });
}

/** Comparisons joined by `&&`: all that the action uses. */
function isTrue(condition: string, values: ReadonlyMap<string, string>): boolean {
  const inner = /^\$\{\{ (.*) \}\}$/.exec(condition)?.[1];
  if (inner === undefined) throw new Error(`Not understood: ${condition}`);
  return inner.split(' && ').every(part => {
    const [, name, wanted] = /^([\w.-]+) == '([^']*)'$/.exec(part) ?? [];
    if (name === undefined) throw new Error(`Not understood: ${part}`);
    return (values.get(name) ?? '') === wanted;
  });
}
