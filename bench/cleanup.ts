type Step = () => unknown;
const steps: Step[] = [];

/** Registers what must be stopped however the bench ends; returns how to stop it now. */
export function onEnd(step: Step): () => Promise<void> {
  steps.push(step);
  return async () => {
    const index = steps.indexOf(step);
    if (index < 0) return;
    steps.splice(index, 1);
    await step();
  };
}

/** Stops everything still registered, last first. Says what could not be stopped and goes on. */
export async function stopEverything(): Promise<void> {
  for (let step = steps.pop(); step; step = steps.pop()) {
    try {
      await step();
    } catch (error) {
      console.error(`could not clean up: ${error instanceof Error ? error.message : error}`);
    }
  }
}

/** A signal stops what was started before the process ends. */
export function stopOnSignals(): void {
  let stopping = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      void stopEverything().finally(() => process.exit(130));
    });
}
