// Entry of dist/runPage.js: the pages of runs, on the extension's side.
export { RunPages } from '../runPage/runPages';
