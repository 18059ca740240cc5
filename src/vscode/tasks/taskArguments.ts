/** What a task of ours does, as tasks.json says it. */
export interface VirtbookTask {
  command: 'check' | 'rehearse' | 'run';
  /** Relative to the workspace folder. `check` without one: every runbook and inventory of the folder. */
  runbook?: string;
  inputs: Record<string, string>;
  /** `run` does not ask. */
  yes: boolean;
}

const names: readonly string[] = ['check', 'rehearse', 'run'];

/** undefined: what tasks.json says is no task of ours, e.g. a run of nothing. */
export function readTask(definition: Record<string, unknown>): VirtbookTask | undefined {
  const { command, runbook, inputs, yes } = definition;
  if (typeof command !== 'string' || !names.includes(command)) return undefined;
  if (runbook !== undefined && typeof runbook !== 'string') return undefined;
  if (runbook === undefined && command !== 'check') return undefined;
  if (inputs !== undefined && (typeof inputs !== 'object' || inputs === null || Array.isArray(inputs)))
    return undefined;
  const values = Object.entries(inputs ?? {}).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  return {
    command: command as VirtbookTask['command'],
    ...(runbook !== undefined && { runbook }),
    inputs: Object.fromEntries(values),
    yes: yes === true,
  };
}

/** The command line for it. `files`: what `check` looks at when no runbook is named. */
export function taskArguments({ command, runbook, inputs, yes }: VirtbookTask, files: readonly string[]): string[] {
  const targets = runbook === undefined ? files : [runbook];
  // A name that begins with a dash is a file still.
  if (command === 'check') return ['check', '--', ...targets];
  const given = Object.entries(inputs).flatMap(([name, value]) => ['--input', `${name}=${value}`]);
  return [command, ...given, ...(command === 'run' && yes ? ['--yes'] : []), '--', ...targets];
}

export function taskName({ command, runbook }: VirtbookTask): string {
  return runbook === undefined ? command : `${command} ${runbook}`;
}
