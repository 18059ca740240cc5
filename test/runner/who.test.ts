import { expect, test } from 'vitest';
import { asNamed } from '../../src/runner/who';

test('an approval is in the name of the account, or says that the account gave another name', () => {
  const me = 'ann@laptop';
  expect(asNamed(undefined, me)).toBe(me);
  expect(asNamed('  ', me)).toBe(me);
  // Another way to write the same person is not another person.
  for (const own of ['ann', 'Ann', ' ANN@laptop ']) expect(asNamed(own, me)).toBe(me);
  expect(asNamed('Bob   Smith', me)).toBe('Bob Smith (as ann@laptop says)');
  expect(asNamed('bob (as root@host says)', me)).toBe('bob (as root@host says) (as ann@laptop says)');
});
