/** What the person gave can't be used: exit code 2, the message, no stack. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
