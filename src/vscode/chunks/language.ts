// Entry of dist/language.js.
export { actionNamed, actions } from '../../actions/catalogue';
export { complete } from '../../editor/complete';
export { hover } from '../../editor/hover';
export { lenses } from '../../editor/lenses';
export { ParseCache, runbookOf } from '../../editor/parse-cache';
export { quickFixes } from '../../editor/quick-fixes';
export { symbols } from '../../editor/symbols';
export { validate } from '../../editor/validate';
export { makePlan } from '../../engine/make-plan';
export { whereSeen } from '../../engine/seen';
export { timetableOf } from '../../engine/timetable';
export { parseInventory } from '../../inventory/file';
export { knownNames } from '../../inventory/names';
export { linkRunbooks, loadCalled } from '../../runbook/link';
export { parseRunbook } from '../../runbook/parse';
