import { dirname } from 'node:path';
import { actionNamed } from '../../actions/catalogue';
import { rehearsalMarkdown, rehearsalText } from '../../engine/rehearsal-report';
import { type Rehearsal, rehearse as rehearsePlan } from '../../engine/rehearse';
import { exitCodes } from '../../runner/exit-codes';
import { openFleet } from '../../runner/fleet';
import { copyFromFile, copyInventory, type RehearsalCopy } from '../../runner/rehearsal-copy';
import { askingSsh } from '../ask';
import { isFile } from '../is-file';
import { type LoadedRunbook, loadRunbook, type PlanChoices, planOf } from '../load';
import { printable, type Terminal } from '../terminal';
import { UsageError } from '../usage-error';
import { reportTo } from './plan';

/** What a shell gives for a command that Ctrl-C ended. */
const endedByInterrupt = 130;

export interface RehearseOptions extends PlanChoices {
  format: 'text' | 'json' | 'markdown';
  pairs?: boolean;
  /** Shows how far it is; default: on a terminal. */
  progress?: boolean;
  /** A lab file to rehearse on. */
  lab?: string;
}

export async function rehearse(file: string, options: RehearseOptions, terminal: Terminal): Promise<number> {
  const loaded = await loadRunbook(file, reportTo(terminal));
  const planned = planOf(loaded, options);
  const { inventory, assumed } = await copyOf(loaded, planned.plan, options, terminal);
  const stop = new AbortController();
  let reached = '';
  const interrupted = (): void => stop.abort();
  process.once('SIGINT', interrupted);
  let rehearsal: Rehearsal;
  try {
    rehearsal = await rehearsePlan({
      plan: planned.plan,
      action: actionNamed,
      inventory,
      pairs: options.pairs === true,
      signal: stop.signal,
      onProgress: progress(options.progress ?? terminal.live, text => {
        reached = text;
      }),
    });
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    clearLine(options, terminal);
    process.stderr.write(`Stopped${reached && ` after ${reached}`}. Nothing real was changed.\n`);
    return endedByInterrupt;
  } finally {
    process.off('SIGINT', interrupted);
  }
  clearLine(options, terminal);
  const { hash } = planned;
  switch (options.format) {
    case 'json':
      terminal.write(`${JSON.stringify({ planHash: hash, assumed, ...rehearsal }, undefined, 2)}\n`);
      break;
    case 'markdown':
      terminal.write(rehearsalMarkdown(rehearsal, { assumed }));
      break;
    case 'text':
      terminal.write(rehearsalText(rehearsal, { assumed }).split('\n').map(printable).join('\n'));
  }
  return rehearsal.ok ? exitCodes.done : exitCodes.problems;
}

async function copyOf(
  loaded: LoadedRunbook,
  plan: Parameters<typeof copyFromFile>[2],
  options: RehearseOptions,
  terminal: Terminal,
): Promise<RehearsalCopy> {
  const { inventory, inventoryPath } = loaded;
  if (!inventory || inventoryPath === undefined) {
    throw new UsageError(`${loaded.runbook.name} names no inventory, so there is nothing to rehearse it on.`);
  }
  if (options.lab !== undefined) {
    if (!(await isFile(options.lab))) throw new UsageError(`There is no file ${options.lab}.`);
    try {
      return await copyFromFile(options.lab, inventory, plan);
    } catch (error) {
      throw new UsageError(`The lab can't be used: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const fleet = openFleet({ inventory, baseDir: dirname(inventoryPath), prompts: askingSsh(terminal) });
  try {
    return await copyInventory(inventory, dirname(inventoryPath), plan, fleet);
  } finally {
    await fleet.close();
  }
}

function clearLine(options: RehearseOptions, terminal: Terminal): void {
  if (options.progress ?? terminal.live) process.stderr.write('\r\x1b[K');
}

/** A line that is written over, at most ten times a second; `reached` is told each time how far it is. */
function progress(shown: boolean, reached: (text: string) => void): (done: number, total: number) => void {
  let last = 0;
  return (done, total) => {
    const text = `${done} of ${total} failure points`;
    reached(text);
    const now = Date.now();
    if (!shown || now - last < 100) return;
    last = now;
    process.stderr.write(`\r${text}\x1b[K`);
  };
}
