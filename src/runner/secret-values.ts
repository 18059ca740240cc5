import type { Plan } from '../engine/plan';
import { secretRefused } from '../engine/secrets';
import { secretVariable } from '../runbook/secret';
import type { SecretQuestion } from './contract';

/** A run can't begin, because nobody gave the value of a secret input: a sentence that says what to do. */
export class SecretMissing extends Error {
  override readonly name = 'SecretMissing';
}

const mostAttempts = 3;

/**
 * The values of a run's secret inputs: from the environment, else from a person. They are kept nowhere, so every runner gets them anew.
 * `ask`: undefined when nobody gave it. @throws SecretMissing
 */
export async function secretValues(
  run: { runId: string; plan: Plan; runbookPath: string },
  ask: (question: SecretQuestion) => Promise<string | undefined>,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Record<string, string>> {
  const values: Record<string, string> = {};
  for (const name of run.plan.secrets ?? []) {
    const { text, variable } = secretInput(run.plan, name);
    const given = env[variable];
    if (given) {
      const why = secretRefused(name, given);
      if (why !== undefined) throw new SecretMissing(`${why} It came from the environment variable ${variable}.`);
      values[name] = given;
      continue;
    }
    let problem: string | undefined;
    for (let attempt = 1; ; attempt++) {
      const { runbookPath } = run;
      const question = { name, text, runbook: run.plan.name, runbookPath, variable, attempt };
      const answer = await ask({ ...question, ...(problem !== undefined && { problem }) });
      problem = answer ? secretRefused(name, answer) : undefined;
      if (answer && problem === undefined) {
        values[name] = answer;
        break;
      }
      if (answer && attempt < mostAttempts) continue;
      const why = problem ?? `Nobody gave the value of the secret input ${name}.`;
      throw new SecretMissing(
        `${why} Set the environment variable ${variable}, or stay with the run to be asked: \`virtbook resume ${run.runId}\`.`,
      );
    }
  }
  return values;
}

/** What a person is told of a secret input, and the variable that may hold it. */
export function secretInput(plan: Pick<Plan, 'program'>, name: string): { text: string; variable: string } {
  const { inputs } = plan.program;
  const definition = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
  return {
    text: definition?.prompt ?? definition?.description ?? name,
    variable: secretVariable(name, definition?.env),
  };
}
