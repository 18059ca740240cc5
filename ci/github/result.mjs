// Step: fails the job when the review does, after everything was reported.
import { fail, needed } from './workflow.mjs';

if (needed(process.env, 'REVIEW_FAILED') === 'true')
  fail('The review found what the job is to fail on (input `fail-on`). The report is in the summary of the job.');
