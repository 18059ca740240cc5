import path from 'node:path';
import { Worker } from 'node:worker_threads';
import * as vscode from 'vscode';
import type { SshPrompts } from '../ssh/contract';
import type { RehearsalNews, RehearsalWork } from './chunks/rehearsal';
import { connect } from './lazy';
import type { Planned } from './plan/planning';

export interface Rehearsed {
  ok: boolean;
  markdown: string;
}

/** Rehearses a plan on a copy of its inventory, with progress that can be cancelled; nothing is changed anywhere. undefined: cancelled. */
export async function rehearsePlanned(planned: Planned, prompts: SshPrompts): Promise<Rehearsed | undefined> {
  const { plan, inventoryPath } = planned;
  const { inventory } = plan;
  if (!inventory || inventoryPath === undefined) {
    throw new Error(
      vscode.l10n.t(
        '{0} names no inventory, so there is nothing to rehearse it on. Add `inventory:` to it.',
        plan.name,
      ),
    );
  }
  return vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: vscode.l10n.t('Rehearsing {0}', plan.name),
      cancellable: true,
    },
    async (progress, cancellation) => {
      progress.report({ message: vscode.l10n.t('copying the inventory') });
      const cancelled = new Promise<undefined>(resolve => {
        cancellation.onCancellationRequested(() => resolve(undefined));
      });
      const copied = connect().copyForRehearsal(plan, inventory, inventoryPath, prompts);
      // Of one that was cancelled nobody is told any more.
      copied.catch(() => undefined);
      const work = await Promise.race([copied, cancelled]);
      return work && Promise.race([inWorker(work, progress, cancellation), cancelled]);
    },
  );
}

function inWorker(
  work: RehearsalWork,
  progress: vscode.Progress<{ message?: string; increment?: number }>,
  cancellation: vscode.CancellationToken,
): Promise<Rehearsed | undefined> {
  const worker = new Worker(path.join(__dirname, 'rehearsal.js'), { workerData: work });
  cancellation.onCancellationRequested(() => void worker.terminate());
  let shown = 0;
  return new Promise((resolve, reject) => {
    worker.on('message', (news: RehearsalNews) => {
      if (news.type === 'done') {
        resolve({ ok: news.ok, markdown: news.markdown });
        return;
      }
      const { done, total } = news;
      const percent = total === 0 ? 0 : (done / total) * 100;
      progress.report({
        message: vscode.l10n.t('{0} of {1} failure points', done, total),
        increment: Math.max(0, percent - shown),
      });
      shown = Math.max(shown, percent);
    });
    worker.on('error', reject);
    worker.on('exit', code => {
      if (cancellation.isCancellationRequested) resolve(undefined);
      else reject(new Error(vscode.l10n.t('The rehearsal ended without a result (code {0}).', code)));
    });
  });
}
