// Entry of dist/runs.js.
export { RunModel } from '../../engine/view';
export { openRuns } from '../../runner/runs';
