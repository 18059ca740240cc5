import * as vscode from 'vscode';
import type { Rehearsed } from '../rehearsal/work';
import type { SshPrompts } from '../ssh/contract';
import { isReadOnly } from './language/workspaceTexts';
import { connect, rehearseElsewhere } from './lazy';
import { copyOfFiles } from './plan/copyOfFiles';
import type { Planned } from './plan/planning';

/** Rehearses a plan on a copy of its inventory, with progress that can be cancelled; nothing is changed anywhere. undefined: cancelled. */
export async function rehearsePlanned(planned: Planned, prompts: SshPrompts): Promise<Rehearsed | undefined> {
  return vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: vscode.l10n.t('Rehearsing {0}', planned.plan.name),
      cancellable: true,
    },
    async (progress, cancellation) => {
      progress.report({ message: vscode.l10n.t('copying the inventory') });
      let shown = 0;
      return rehearseQuietly(planned, prompts, cancellation, (done, total) => {
        const percent = total === 0 ? 0 : (done / total) * 100;
        progress.report({
          message: vscode.l10n.t('{0} of {1} failure points', done, total),
          increment: Math.max(0, percent - shown),
        });
        shown = Math.max(shown, percent);
      });
    },
  );
}

/** The same without showing anything. */
export async function rehearseQuietly(
  { plan, inventoryUri }: Planned,
  prompts: SshPrompts,
  cancellation: vscode.CancellationToken,
  onProgress: (done: number, total: number) => void,
): Promise<Rehearsed | undefined> {
  const { inventory } = plan;
  if (!inventory || inventoryUri === undefined) {
    throw new Error(
      vscode.l10n.t(
        '{0} names no inventory, so there is nothing to rehearse it on. Add `inventory:` to it.',
        plan.name,
      ),
    );
  }
  const stop = new AbortController();
  const cancelled = new Promise<undefined>(resolve => {
    cancellation.onCancellationRequested(() => {
      stop.abort();
      resolve(undefined);
    });
  });
  // Who opens a pull request must not be able to say where this computer connects to.
  const copied = isReadOnly(inventoryUri)
    ? copyOfFiles(plan, inventory, inventoryUri)
    : connect().copyForRehearsal(plan, inventory, inventoryUri, prompts);
  // Of one that was cancelled nobody is told any more.
  copied.catch(() => undefined);
  const work = await Promise.race([copied, cancelled]);
  return work && rehearseElsewhere(work, { signal: stop.signal, onProgress });
}
