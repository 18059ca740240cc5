/** A text with an SSH signature below it, as a comment or a file carries it. */
export interface SignedText {
  /** What was signed: as `canonical` gives it. */
  body: string;
  /** Armored, as `ssh-keygen -Y sign` writes it. */
  signature: string;
}

const begin = '-----BEGIN SSH SIGNATURE-----';
const end = '-----END SSH SIGNATURE-----';
const opening = '<!-- virtbook-signature -->';

/** Line ends and trailing blanks are what editors, tickets and web forms change on the way; nothing else may be different. */
export function canonical(text: string): string {
  const lines = text
    .replace(/^\ufeff/, '')
    .replace(/\r\n?/g, '\n')
    .split('\n');
  return `${lines
    .map(line => line.replace(/[ \t]+$/, ''))
    .join('\n')
    .trim()}\n`;
}

export function withSignature({ body, signature }: SignedText): string {
  return `${canonical(body)}\n${opening}\n<details>\n<summary>Signature: <code>virtbook verify-evidence</code> checks it</summary>\n\n\`\`\`\n${signature.trim()}\n\`\`\`\n\n</details>\n`;
}

/** undefined: there is no signature below it, or more than one, or something follows it. */
export function readSigned(text: string): SignedText | undefined {
  const whole = canonical(text);
  const at = whole.indexOf(`\n${opening}\n`);
  if (at < 0 || whole.indexOf(opening, at + opening.length) >= 0) return undefined;
  const below = whole.slice(at);
  const [from, to] = [below.indexOf(begin), below.indexOf(end)];
  if (from < 0 || to < from) return undefined;
  const found = { body: canonical(whole.slice(0, at)), signature: `${below.slice(from, to + end.length)}\n` };
  // Nothing may stand below the text that looks as if it had been signed.
  return canonical(withSignature(found)) === whole ? found : undefined;
}
