/** A function of CEL as completion and hover show it. test/editor/expression-functions.test.ts holds it against the evaluator. */
export interface ExpressionFunction {
  name: string;
  /** Absent: called by itself, `size(x)`. Else the kinds of values it is a member of. */
  of?: readonly ('string' | 'list' | 'map' | 'timestamp' | 'duration' | 'optional' | 'bytes')[];
  /** As it is written, with what goes in. */
  signature: string;
  /** What goes in, as a snippet; empty: nothing. */
  snippet: string;
  text: string;
}

const timePart = (name: string, text: string): ExpressionFunction => ({
  name,
  of: ['timestamp'],
  signature: `time.${name}(zone?)`,
  snippet: '',
  text: `${text} In UTC, or in a zone such as \`"Europe/London"\`.`,
});

/** Those that runbooks are likely to want. What is left out works all the same. */
export const expressionFunctions: readonly ExpressionFunction[] = [
  {
    name: 'size',
    signature: 'size(value)',
    snippet: '${1}',
    text: 'Number of items, keys or characters: `size(inputs.vms)`',
  },
  {
    name: 'has',
    signature: 'has(path)',
    snippet: '${1}',
    text: 'Whether a key is there: `has(steps.patch.outputs.upgraded)`',
  },
  { name: 'string', signature: 'string(value)', snippet: '${1}', text: 'As text: `string(42)`' },
  { name: 'int', signature: 'int(value)', snippet: '${1}', text: 'As a whole number: `int("42")`' },
  { name: 'double', signature: 'double(value)', snippet: '${1}', text: 'As a number: `double("4.2")`' },
  { name: 'bool', signature: 'bool(text)', snippet: '${1}', text: 'As true or false: `bool("true")`' },
  {
    name: 'timestamp',
    signature: 'timestamp(text)',
    snippet: '${1}',
    text: 'A point in time: `timestamp("2026-11-22T22:00:00Z")`',
  },
  { name: 'duration', signature: 'duration(text)', snippet: '${1}', text: 'A length of time: `duration("90s")`' },
  {
    name: 'type',
    signature: 'type(value)',
    snippet: '${1}',
    text: 'What kind of value it is: `type(inputs.count) == int`',
  },
  {
    name: 'contains',
    of: ['string'],
    signature: 'text.contains(part)',
    snippet: '${1}',
    text: 'Whether the text has this in it',
  },
  {
    name: 'startsWith',
    of: ['string'],
    signature: 'text.startsWith(part)',
    snippet: '${1}',
    text: 'Whether the text begins with this',
  },
  {
    name: 'endsWith',
    of: ['string'],
    signature: 'text.endsWith(part)',
    snippet: '${1}',
    text: 'Whether the text ends with this',
  },
  {
    name: 'matches',
    of: ['string'],
    signature: 'text.matches(pattern)',
    snippet: '${1}',
    text: 'Whether the text matches a regular expression',
  },
  {
    name: 'split',
    of: ['string'],
    signature: 'text.split(separator)',
    snippet: '${1}',
    text: 'List of the parts between separators',
  },
  {
    name: 'substring',
    of: ['string'],
    signature: 'text.substring(start, end?)',
    snippet: '${1}',
    text: 'The part from one place to another, counted from 0',
  },
  {
    name: 'indexOf',
    of: ['string'],
    signature: 'text.indexOf(part)',
    snippet: '${1}',
    text: 'Where the text has this first, from 0; -1 where it has not',
  },
  {
    name: 'lastIndexOf',
    of: ['string'],
    signature: 'text.lastIndexOf(part)',
    snippet: '${1}',
    text: 'Where the text has this last, from 0; -1 where it has not',
  },
  { name: 'trim', of: ['string'], signature: 'text.trim()', snippet: '', text: 'Without the space around it' },
  { name: 'lowerAscii', of: ['string'], signature: 'text.lowerAscii()', snippet: '', text: 'In small letters' },
  { name: 'upperAscii', of: ['string'], signature: 'text.upperAscii()', snippet: '', text: 'In capitals' },
  {
    name: 'map',
    of: ['list'],
    signature: 'list.map(x, value)',
    snippet: '${1:x}, ${2}',
    text: 'A list with each item changed: `.map(x, x + "!")`',
  },
  {
    name: 'filter',
    of: ['list'],
    signature: 'list.filter(x, condition)',
    snippet: '${1:x}, ${2}',
    text: 'The items that fit: `.filter(x, x != "web1")`',
  },
  {
    name: 'exists',
    of: ['list'],
    signature: 'list.exists(x, condition)',
    snippet: '${1:x}, ${2}',
    text: 'Whether one item fits: `.exists(x, x == "web1")`',
  },
  {
    name: 'exists_one',
    of: ['list'],
    signature: 'list.exists_one(x, condition)',
    snippet: '${1:x}, ${2}',
    text: 'Whether exactly one item fits',
  },
  {
    name: 'all',
    of: ['list'],
    signature: 'list.all(x, condition)',
    snippet: '${1:x}, ${2}',
    text: 'Whether every item fits: `.all(x, x != "")`',
  },
  {
    name: 'join',
    of: ['list'],
    signature: 'list.join(separator)',
    snippet: '${1}',
    text: 'Text of all items: `.join(", ")`',
  },
  {
    name: 'size',
    of: ['string', 'list', 'map'],
    signature: 'value.size()',
    snippet: '',
    text: 'Number of items, keys or characters',
  },
  timePart('getFullYear', 'The year.'),
  timePart('getMonth', 'The month, from 0.'),
  timePart('getDate', 'The day of the month, from 1.'),
  timePart('getDayOfWeek', 'The day of the week; 0 is Sunday.'),
  timePart('getHours', 'The hour.'),
  timePart('getMinutes', 'The minute.'),
];

const byName = new Map<string, ExpressionFunction[]>();
for (const one of expressionFunctions) byName.set(one.name, [...(byName.get(one.name) ?? []), one]);

/** What a name that is called means: as a member, or by itself. */
export function functionNamed(name: string, member: boolean): ExpressionFunction | undefined {
  return byName.get(name)?.find(one => (one.of !== undefined) === member);
}
