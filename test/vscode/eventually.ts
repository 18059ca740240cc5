/** Less than mocha's time limit: so it is said what never came, and nothing goes on asking beside the second try. In ms. */
const PATIENCE = 60_000;

/** Asks until it holds. @throws when it never does, with what was asked */
export async function eventually<T>(ask: () => T | undefined | false | PromiseLike<T | undefined | false>): Promise<T> {
  const from = new Error(`never true: ${ask}`);
  for (const until = Date.now() + PATIENCE; Date.now() < until; ) {
    const answer = await ask();
    if (answer) return answer;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  throw from;
}
