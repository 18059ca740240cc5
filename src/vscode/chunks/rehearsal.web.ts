// Entry of dist/rehearsal-web.js: the worker that rehearses in a browser.
import { carryOut } from '../../rehearsal/carry-out';
import type { RehearsalNews, RehearsalWork } from '../../rehearsal/work';

/** The part of a worker's own world that is used here; the rest of the project is compiled without the browser's types. */
declare const self: {
  onmessage: (event: { data: RehearsalWork }) => void;
  postMessage(news: RehearsalNews): void;
};

self.onmessage = ({ data }) => void carryOut(data, news => self.postMessage(news));
