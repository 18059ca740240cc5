import type { Json } from '../runbook/json';
import { secretMark } from '../runbook/secret';
import type { JournalRecord, RunEvent } from './journal';
import type { JournalWriter } from './journal-durable';

/** Shorter ones would strike out half of any text, and guessing them takes no time. */
export const leastSecretLength = 4;
/** Of a secret of several lines: shorter ones are too common to be told from other text. */
const leastLineLength = 8;

/**
 * The values of a run's secret inputs. Whatever goes to the journal is struck on its way (value → mark), and what is read from there when a
 * run is resumed gets the values back. Every other view reads the journal, so none ever has them.
 */
export class Secrets {
  readonly #marks = new Map<string, string>();
  readonly #values = new Map<string, string>();
  readonly #secret: RegExp | undefined;
  readonly #mark: RegExp | undefined;
  /** What is struck, and the character that each is while a text is made of it. */
  readonly #forms: readonly string[];
  readonly #held: ReadonlyMap<string, string>;
  /** Length of the longest form, less one: what output may hold back. */
  readonly #longest: number;

  /** By name of the input. @throws Error for a value that is too short to be struck. */
  constructor(values: Record<string, string>) {
    for (const [name, value] of Object.entries(values)) {
      const why = secretRefused(name, value);
      if (why !== undefined) throw new Error(why);
      for (const [how, form] of formsOf(value)) {
        if (this.#marks.has(form)) continue;
        const mark = secretMark(how === '' ? name : `${name} ${how}`);
        this.#marks.set(form, mark);
        this.#values.set(mark, form);
      }
    }
    const forms = [...this.#marks.keys()];
    if (forms.length > 0) {
      // A text that only looks like a mark must not become the value.
      this.#marks.set(lookalike, notSecret);
      this.#values.set(notSecret, lookalike);
    }
    this.#longest = Math.max(0, ...forms.map(form => form.length)) - 1;
    this.#secret = anyOf([...this.#marks.keys()]);
    this.#forms = [...this.#marks.keys()];
    this.#held = new Map(this.#forms.map((form, at) => [form, String.fromCharCode(firstHeld + at)]));
    this.#mark = anyOf([...this.#values.keys()]);
  }

  /** With marks in place of values, in every string and every name in it. */
  strike<T>(value: T): T {
    return this.#secret ? replaced(value, this.#secret, this.#marks) : value;
  }

  /** With values in place of marks. */
  restore<T>(value: T): T {
    return this.#mark ? replaced(value, this.#mark, this.#values) : value;
  }

  /**
   * A text made of a value, in which every secret is whole or missing: while it is made, each is one character, which no cut goes through.
   * A part of one would not be known as secret any more. The journal strikes it.
   */
  told<T>(value: T, tell: (value: T) => string): string {
    if (!this.#secret) return tell(value);
    return tell(replaced(value, this.#secret, this.#held)).replace(heldCharacters, held => this.#released(held));
  }

  #released(held: string): string {
    return this.#forms[held.charCodeAt(0) - firstHeld] ?? held;
  }

  /** A journal in which no secret is ever written, not even one that comes in two pieces of output. */
  wrap(journal: JournalWriter): JournalWriter {
    if (!this.#secret) return journal;
    const held = new Map<string, Extract<RunEvent, { type: 'step.log' }>>();
    return {
      append: (event, durability): Promise<JournalRecord> => {
        if (event.type === 'step.log') {
          const id = `${event.stream} ${event.key}`;
          const text = (held.get(id)?.text ?? '') + event.text;
          const rest = this.#beginning(text);
          if (rest === '') held.delete(id);
          else held.set(id, { ...event, text: rest });
          return journal.append(this.strike({ ...event, text: text.slice(0, text.length - rest.length) }), durability);
        }
        if ('key' in event) {
          for (const [id, log] of held) {
            if (log.key !== event.key || event.type === 'step.progress') continue;
            held.delete(id);
            journal.append(this.strike(log), 'soon').catch(() => undefined);
          }
        }
        return journal.append(this.strike(event), durability);
      },
    };
  }

  /** The end of a text that may be the beginning of a secret. */
  #beginning(text: string): string {
    for (let length = Math.min(this.#longest, text.length); length > 0; length--) {
      const end = text.slice(text.length - length);
      for (const form of this.#marks.keys()) if (form.length > length && form.startsWith(end)) return end;
    }
    return '';
  }
}

/** Why this can't be the value of a secret; undefined: it can. */
export function secretRefused(name: string, value: string): string | undefined {
  return value.length < leastSecretLength
    ? `The secret ${name} is shorter than ${leastSecretLength} characters: it can't be kept out of the journal. Give a longer one.`
    : undefined;
}

/** Of private use: no text of people has them. */
const firstHeld = 0xe000;
const heldCharacters = /[\ue000-\uf8ff]/g;

const lookalike = '‹secret ';
const notSecret = '‹literally secret ';

/** How a value may come back: as it is, and as JSON, URLs and base64 have it. Each with a word for its mark, so that it is restored as it was. */
function formsOf(value: string): [how: string, form: string][] {
  const json = inJson(value);
  const forms: [string, string][] = [
    ['', value],
    ['in JSON', json],
    ['in JSON in JSON', inJson(json)],
    ['in a URL', encodeURIComponent(value)],
    ['in a form', encodeURIComponent(value).replaceAll('%20', '+')],
    ['in a shell', value.replaceAll("'", "'\\''")],
    ...linesOf(value),
  ];
  const bytes = new TextEncoder().encode(value);
  // Three ways, as it may begin anywhere in what was encoded; without the characters that its neighbours have a part in.
  for (const before of [0, 1, 2]) {
    const binary = '\0'.repeat(before) + Array.from(bytes, byte => String.fromCharCode(byte)).join('');
    const from = Math.ceil((before * 8) / 6);
    const to = Math.floor(((before + bytes.length) * 8) / 6);
    const encoded = btoa(binary).slice(from, to);
    forms.push([`in base64 ${before}`, encoded]);
    forms.push([`in base64url ${before}`, encoded.replaceAll('+', '-').replaceAll('/', '_')]);
  }
  return forms;
}

/** Of several lines, such as a key, each may come back alone; of one, without the blanks around it. */
function linesOf(value: string): [how: string, form: string][] {
  const lines = value.split(/\r?\n/).map(line => line.trim());
  const least = lines.filter(line => line !== '').length > 1 ? leastLineLength : leastSecretLength;
  return lines.flatMap((line, at) => (line.length >= least ? [[`in line ${at + 1}`, line] as [string, string]] : []));
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** Longest first: a form may hold another. */
function anyOf(texts: string[]): RegExp | undefined {
  if (texts.length === 0) return undefined;
  const sorted = [...texts].sort((one, other) => other.length - one.length);
  return new RegExp(sorted.map(text => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|'), 'g');
}

function replaced<T>(value: T, what: RegExp, by: ReadonlyMap<string, string>): T {
  const text = (one: string): string => one.replace(what, found => by.get(found) ?? found);
  const visit = (one: Json): Json => {
    if (typeof one === 'string') return text(one);
    if (one === null || typeof one !== 'object') return one;
    if (Array.isArray(one)) return one.map(visit);
    return Object.fromEntries(Object.entries(one).map(([name, inner]) => [text(name), visit(inner)]));
  };
  return visit(value as Json) as T;
}
