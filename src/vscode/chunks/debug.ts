// Entry of dist/debug.js.
export { DebugAdapter } from '../../debug/adapter';
export { expressionNames, nameAt, stepFrom } from '../../debug/expression-names';
export { targetText } from '../../debug/target-text';
