// Entry of dist/rehearsal.js: a thread of its own, so that thousands of simulated runs do not hold up whoever asked for them.
import { parentPort, workerData } from 'node:worker_threads';
import { carryOut } from '../rehearsal/carry-out';
import type { RehearsalWork } from '../rehearsal/work';

void carryOut(workerData as RehearsalWork, news => parentPort?.postMessage(news));
