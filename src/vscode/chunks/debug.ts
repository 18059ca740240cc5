// Entry of dist/debug.js.
export { DebugAdapter } from '../../debug/adapter';
export { expressionNames, nameAt, stepEnd } from '../../debug/expression-names';
export { targetText } from '../../debug/target-text';
