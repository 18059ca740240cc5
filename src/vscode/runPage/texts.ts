import type { StepState } from '../../engine/view';

type Translate = (text: string) => string;

/** Everything that the page itself says, so that it can be translated where VS Code's translations are. `{0}` is filled in by the page. */
export function pageTexts(t: Translate) {
  const states: Record<StepState, string> = {
    pending: t('not begun'),
    running: t('running'),
    retrying: t('trying again'),
    done: t('done'),
    failed: t('failed'),
    skipped: t('skipped'),
    undoing: t('undoing'),
    undone: t('undone'),
    'undo-failed': t('undo failed'),
  };
  return {
    states,
    timeline: t('Timeline by host'),
    timelineHelp: t(
      'Timeline of the steps by host. The list of steps below says the same in words. Arrow keys go from step to step, plus and minus zoom.',
    ),
    steps: t('Steps'),
    log: t('Log of the step'),
    undoList: t('What a rollback would undo, in this order'),
    undoNothing: t('Nothing: a rollback would change nothing now.'),
    remaining: t('Left for a person'),
    warnings: t('Warnings'),
    waiting: t('Waits for you'),
    details: t('Chosen step'),
    chooseStep: t('Choose a step to see what it did.'),
    noLog: t('This step has written nothing.'),
    loading: t('Reading the run…'),
    wholeRun: t('run'),
    host: t('host'),
    vm: t('VM'),
    proxy: t('proxy'),
    filterSteps: t('Filter steps'),
    searchLog: t('Search in the log'),
    allStates: t('all states'),
    zoomIn: t('Zoom in'),
    zoomOut: t('Zoom out'),
    zoomFit: t('Whole run'),
    cancel: t('Cancel…'),
    rollBack: t('Roll Back…'),
    resume: t('Resume'),
    pause: t('Pause'),
    continue: t('Continue'),
    debug: t('Debug'),
    remainingRunbook: t('Open What Is Left'),
    journal: t('Journal'),
    print: t('Print or Save as PDF'),
    open: t('Open in Runbook'),
    approve: t('Approve…'),
    reject: t('Reject…'),
    needs: t('{0} of {1} have approved'),
    expires: t('until {0}'),
    column: { state: t('State'), step: t('Step'), where: t('Where'), begun: t('Begun'), took: t('Took') },
    attempt: t('attempt {0}'),
    undo: t('Undo'),
    failure: t('Failure'),
    reason: t('Why'),
    uses: t('Uses'),
    planned: t('expected to take {0}'),
    by: t('by {0}'),
    plan: t('plan {0}'),
    started: t('started {0}'),
    took: t('took {0}'),
    since: t('for {0}'),
    progress: t('{0} of {1} steps'),
    shown: t('{0} of {1} steps shown'),
    lines: t('{0} lines'),
    found: t('{0} of {1} lines'),
    dropped: t('{0} earlier lines are in the journal'),
    more: t('and {0} more'),
    noReturn: t('The point of no return is passed: what was done before it is kept.'),
    now: t('now'),
    legend: t('Full bars: done. Dashed bars: expected. Striped bars: undone.'),
    printed: t('Printed {0}'),
  };
}

export type PageTexts = ReturnType<typeof pageTexts>;

/** `{0} of {1}` with its values. */
export function fill(text: string, ...values: (string | number)[]): string {
  return text.replaceAll(/\{(\d)\}/g, (whole, index: string) => String(values[Number(index)] ?? whole));
}
