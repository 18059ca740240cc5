// Entry of dist/rehearsal.js: a thread of its own, so that thousands of simulated runs do not hold up whoever asked for them.
import { parentPort, workerData } from 'node:worker_threads';
import { carryOut } from '../rehearsal/carry-out';
import type { RehearsalNews, RehearsalWork } from '../rehearsal/work';

const say = (news: RehearsalNews): void => parentPort?.postMessage(news);

// What it is started with is all that it does; without that it is told one rehearsal after another.
if (workerData) void carryOut(workerData as RehearsalWork, say);
else parentPort?.on('message', (work: RehearsalWork) => void carryOut(work, say));
