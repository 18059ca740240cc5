// Words that no POSIX shell looks into; everything else goes in single quotes.
const plain = /^[A-Za-z0-9_@+:,./-][A-Za-z0-9_@%+=:,./-]*$/;
// As a first word these are syntax and A=b is an assignment; in quotes they are commands like any other.
const special = /=|^(if|then|else|elif|fi|do|done|case|esac|while|until|for|in|function|select|time|coproc)$/;

/**
 * One command line for a POSIX sh that runs exactly these words.
 * sshd hands a command to the login shell as text, so this is the only place where argv becomes text.
 * @throws RangeError for an empty argv or a NUL byte, which no argv can hold.
 */
export function quoteArgv(argv: readonly string[]): string {
  if (argv.length === 0) throw new RangeError('An empty command cannot be run.');
  return argv.map((word, index) => quoteWord(word, index === 0)).join(' ');
}

function quoteWord(word: string, first: boolean): string {
  if (word.includes('\0')) throw new RangeError('A command word holds a NUL byte, which no process can be given.');
  return plain.test(word) && !(first && special.test(word)) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
