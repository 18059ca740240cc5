/** Every id that package.json contributes. test/extension/contributions.test.ts compares both ways. */
export const commands = {
  run: 'virtbook.run',
  plan: 'virtbook.plan',
  debug: 'virtbook.debug',
  rehearse: 'virtbook.rehearse',
  runStep: 'virtbook.runStep',
  runFrom: 'virtbook.runFrom',
  newRunbook: 'virtbook.newRunbook',
  openWalkthrough: 'virtbook.openWalkthrough',
  openExample: 'virtbook.openExample',
  vmConsole: 'virtbook.vm.console',
  vmSsh: 'virtbook.vm.ssh',
  hostSsh: 'virtbook.host.ssh',
  showLog: 'virtbook.showLog',
  forgetSecrets: 'virtbook.forgetSecrets',
  chooseInventory: 'virtbook.inventory.choose',
  openInventory: 'virtbook.inventory.open',
  createInventory: 'virtbook.inventory.create',
  refreshInventory: 'virtbook.inventory.refresh',
  retryConnection: 'virtbook.inventory.retry',
  searchInventory: 'virtbook.inventory.search',
  filterInventory: 'virtbook.inventory.filter',
  clearInventoryFilter: 'virtbook.inventory.clearFilter',
  groupInventory: 'virtbook.inventory.group',
  showMore: 'virtbook.inventory.showMore',
  copyYaml: 'virtbook.inventory.copyYaml',
  insertStep: 'virtbook.inventory.insertStep',
  findInRunbooks: 'virtbook.inventory.findInRunbooks',
  revealInInventory: 'virtbook.inventory.reveal',
  vmStart: 'virtbook.vm.start',
  vmShutdown: 'virtbook.vm.shutdown',
  vmSnapshot: 'virtbook.vm.snapshot',
  vmRevert: 'virtbook.vm.revert',
  vmDeleteSnapshot: 'virtbook.vm.deleteSnapshot',
  vmMigrate: 'virtbook.vm.migrate',
  vmBackup: 'virtbook.vm.backup',
  refreshRuns: 'virtbook.runs.refresh',
  pickRun: 'virtbook.runs.pick',
  filterRuns: 'virtbook.runs.filter',
  clearRunsFilter: 'virtbook.runs.clearFilter',
  showMoreSteps: 'virtbook.runs.showMore',
  removeRun: 'virtbook.runs.remove',
  removeOldRuns: 'virtbook.runs.removeOld',
  refreshRunbooks: 'virtbook.runbooks.refresh',
  openRunPage: 'virtbook.runs.openPage',
  showJournal: 'virtbook.runs.showJournal',
  openRunbook: 'virtbook.runs.openRunbook',
  debugRun: 'virtbook.runs.debug',
  cancelRun: 'virtbook.runs.cancel',
  rollBackRun: 'virtbook.runs.rollBack',
  resumeRun: 'virtbook.runs.resume',
  answerQuestion: 'virtbook.runs.answer',
  approveRun: 'virtbook.runs.approve',
  rejectRun: 'virtbook.runs.reject',
  openRemaining: 'virtbook.runs.openRemaining',
  reviewChanges: 'virtbook.reviewChanges',
  reviewAgainst: 'virtbook.review.against',
  reviewAgain: 'virtbook.review.again',
  showReview: 'virtbook.review.show',
  closeReview: 'virtbook.review.close',
  comparePlans: 'virtbook.review.comparePlans',
  nextChange: 'virtbook.review.nextChange',
  previousChange: 'virtbook.review.previousChange',
  prepareComments: 'virtbook.review.prepareComments',
  addComment: 'virtbook.review.addComment',
  editComment: 'virtbook.review.editComment',
  saveComment: 'virtbook.review.saveComment',
  cancelComment: 'virtbook.review.cancelComment',
  deleteComment: 'virtbook.review.deleteComment',
  resolveComment: 'virtbook.review.resolveComment',
  reopenComment: 'virtbook.review.reopenComment',
  copyComment: 'virtbook.review.copyComment',
  copyComments: 'virtbook.review.copyComments',
} as const;
export type CommandId = (typeof commands)[keyof typeof commands];

export const views = { inventory: 'virtbook.inventory', runs: 'virtbook.runs', runbooks: 'virtbook.runbooks' } as const;

export const languages = { runbook: 'virt-runbook', inventory: 'virt-inventory' } as const;

/** Context keys that menus and welcome views ask for. */
export const contextKeys = {
  inventoryState: 'virtbook.inventoryState',
  inventoryFiltered: 'virtbook.inventoryFiltered',
  runsState: 'virtbook.runsState',
  runsFiltered: 'virtbook.runsFiltered',
  runbooksState: 'virtbook.runbooksState',
  /** A review was made and can be shown. */
  reviewShown: 'virtbook.reviewShown',
  /** An editor of the review has the focus. */
  reviewInFront: 'virtbook.reviewInFront',
  /** Nothing can run or connect. */
  inBrowser: 'virtbook.inBrowser',
} as const;

/** Of debug configurations and sessions. */
export const debugType = 'virtbook';

/** Schemes of our read-only documents. */
export const schemes = { plan: 'virtbook-plan', journal: 'virtbook-journal', review: 'virtbook-review' } as const;

export const settings = { section: 'virtbook', inventory: 'inventory', openRunPage: 'openRunPage' } as const;

/** Tools that a language model is offered; the first four over the Model Context Protocol too. */
export const tools = {
  check: 'virtbook_check',
  explain: 'virtbook_explain',
  plan: 'virtbook_plan',
  rehearse: 'virtbook_rehearse',
  run: 'virtbook_run',
} as const;

/** Our server for the Model Context Protocol. */
export const mcpProvider = 'virtbook';
