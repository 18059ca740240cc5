import { dirname } from 'node:path';
import { actions } from '../../actions/catalogue';
import { whereSeen } from '../../engine/seen';
import { timetableOf } from '../../engine/timetable';
import type { Answer, PlanInput, RehearseInput, ToolBackend, Working } from '../../mcp/tools';
import type { JsonObject } from '../../runbook/json';
import { openFleet } from '../../runner/fleet';
import { rehearsalWork } from '../../runner/rehearsal-copy';
import { rehearseInWorker } from '../../runner/rehearse-in-worker';
import { mcp as bundle, rehearsalScript } from '../bundles';
import { diagnosticText } from '../diagnostic-text';
import { type CheckedFile, checkFile, type LoadedRunbook, loadRunbook, planOf } from '../load';
import { planText } from '../plan-text';
import type { Terminal } from '../terminal';
import { UsageError } from '../usage-error';

/** Speaks the Model Context Protocol on standard input and output until the client goes away. */
export async function mcp(): Promise<void> {
  await bundle().serveStdio(backend);
}

/** What is written goes to the model, not to a terminal. */
const plain: Terminal = {
  live: false,
  interactive: false,
  color: false,
  unicode: true,
  columns: () => 120,
  write: () => undefined,
};

const backend: ToolBackend = {
  async check({ files }) {
    const checked: CheckedFile[] = [];
    const lines: string[] = [];
    for (const file of files) {
      try {
        checked.push(await checkFile(file));
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        lines.push(error.message);
      }
    }
    const failed = lines.length > 0;
    for (const file of checked) lines.push(...file.diagnostics.map(one => diagnosticText(file, one, plain).trimEnd()));
    return { text: lines.length > 0 ? lines.join('\n') : 'No problems.', ...(failed && { failed }) };
  },

  async explain({ file, inputs = {}, ...part }) {
    const loaded = await load(file);
    const { plan, unplanned } = planned(loaded, inputs, part);
    const about = part.step === undefined ? {} : { step: part.step };
    const text = bundle().explanation({ runbook: loaded.runbook, actions, ...about, plan, unplanned });
    return text === undefined ? noStep(file, part.step) : { text };
  },

  async plan({ file, inputs = {}, ...part }) {
    const loaded = await load(file);
    const { plan, hash } = planOf(loaded, part, inputs);
    const timetable = timetableOf(plan, { whereIs: whereSeen(loaded.shown), startAt: Date.now() });
    return { text: `${planText(plan, hash, plain, { timetable })}\nPlan hash: ${hash}\n` };
  },

  rehearse,
};

async function rehearse({ file, inputs = {}, pairs, ...part }: RehearseInput, working: Working): Promise<Answer> {
  const loaded = await load(file);
  const { plan } = planOf(loaded, part, inputs);
  const { inventory, inventoryPath } = loaded;
  if (!inventory || inventoryPath === undefined) {
    throw new UsageError(
      `${file} names no inventory, so there is nothing to rehearse it on. Add \`inventory:\` with the path of one.`,
    );
  }
  const baseDir = dirname(inventoryPath);
  // Nobody is there to be asked for a passphrase or an unknown host key: what needs one is refused.
  const fleet = openFleet({ inventory, baseDir, prompts: {} });
  let work: Awaited<ReturnType<typeof rehearsalWork>>;
  try {
    work = await rehearsalWork(inventory, baseDir, plan, fleet);
  } finally {
    await fleet.close();
  }
  const { signal, progress } = working;
  const done = await rehearseInWorker(rehearsalScript(), { ...work, pairs }, { signal, onProgress: progress });
  return done ? { text: done.markdown } : { text: 'The rehearsal was stopped.', failed: true };
}

/** @throws UsageError with all that is wrong with it, as nothing is printed */
async function load(file: string): Promise<LoadedRunbook> {
  const problems: string[] = [];
  try {
    return await loadRunbook(file, checked => {
      problems.push(...checked.diagnostics.map(one => diagnosticText(checked, one, plain).trimEnd()));
    });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError([error.message, ...problems].join('\n'));
  }
}

function planned(loaded: LoadedRunbook, inputs: JsonObject, { from }: Omit<PlanInput, 'file' | 'inputs'>) {
  try {
    return { plan: planOf(loaded, from === undefined ? {} : { from }, inputs).plan, unplanned: [] };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { plan: undefined, unplanned: error.message.split('\n') };
  }
}

function noStep(file: string, step: string | undefined): Answer {
  return { text: `${file} has no step ${step}. Give the \`id\` of a step, or leave \`step\` out.`, failed: true };
}
