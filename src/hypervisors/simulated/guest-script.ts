import { failed, type GuestEffect, type GuestMachine, ok, withFile } from './guest-machine';

/** Words of one simple command; quotes group, nothing is expanded. undefined: more than this model understands. */
function words(text: string): string[] | undefined {
  const found: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (char === "'" || char === '"') {
      const end = text.indexOf(char, at + 1);
      if (end < 0) return undefined;
      word = (word ?? '') + text.slice(at + 1, end);
      at = end;
    } else if (/\s/.test(char)) {
      if (word !== undefined) found.push(word);
      word = undefined;
    } else if (/[$`|&()*?{}<\\]/.test(char)) {
      return undefined;
    } else if (char === '>') {
      if (word !== undefined) found.push(word);
      word = undefined;
      const append = text[at + 1] === '>';
      found.push(append ? '>>' : '>');
      if (append) at++;
    } else {
      word = (word ?? '') + char;
    }
  }
  if (word !== undefined) found.push(word);
  return found;
}

/** `sh -c` for scripts of simple commands joined by `;`, newline or `&&`, with `> FILE`, `>> FILE` and `exit N`. Anything else: code 127. */
export function runShellScript(
  machine: GuestMachine,
  script: string,
  run: (machine: GuestMachine, argv: readonly string[]) => GuestEffect,
): GuestEffect {
  let current = machine;
  let stdout = '';
  let stderr = '';
  let seconds = 0;
  let code = 0;
  const end = (): GuestEffect => ({ result: { code, stdout, stderr }, guest: current.guest, seconds });
  for (const part of script.split(/(;|\n|&&)/)) {
    if (part === '&&') {
      if (code !== 0) return end();
      continue;
    }
    const parsed = part === ';' ? [] : words(part);
    if (!parsed)
      return failed(machine, 127, `sh: not understood in the simulated guest ${machine.name}: ${part.trim()}\n`);
    if (parsed.length === 0) continue;
    if (parsed[0] === 'exit') {
      code = Number(parsed[1] ?? code);
      return end();
    }
    const redirect = parsed.findIndex(word => word === '>' || word === '>>');
    const argv = redirect < 0 ? parsed : parsed.slice(0, redirect);
    const effect = argv.length === 0 ? ok(current) : run(current, argv);
    let guest = effect.guest;
    if (redirect < 0) {
      stdout += effect.result.stdout;
    } else {
      const path = parsed[redirect + 1];
      if (path === undefined) return failed(machine, 2, 'sh: syntax error: file expected after >\n');
      const kept = parsed[redirect] === '>>' ? (guest.files[path] ?? '') : '';
      guest = withFile(guest, path, kept + effect.result.stdout);
    }
    stderr += effect.result.stderr;
    seconds += effect.seconds;
    code = effect.result.code;
    current = { ...current, guest };
  }
  return end();
}
