import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { loadOurs } from './ours';
import { npmRival } from './rivals';
import { inTurn } from './rounds';
import { compared, limited, type Row } from './row';
import { runbookText } from './runbook-text';

type Ours = typeof import('./ours/check');

/** `virtbook check` of a 1,000-line runbook and of a 10,000-line one, against yaml-language-server with the same schema. */
export async function check(): Promise<Row[]> {
  const { validate } = await loadOurs<Ours>('check');
  const rival = await yamlLanguageServer();
  const rows: Row[] = [];
  for (const [name, lines, rounds, warmUp] of [
    ['check', 1000, 41, 30],
    ['check-10k', 10_000, 9, 2],
  ] as const) {
    const body = runbookText(lines);
    await sameVerdict(body, validate, rival);
    const text = (round: number) => `# ${round}\n${body}`;
    const sides = {
      ours: (round: number) => void validate(text(round)),
      rival: (round: number) => rival(text(round)),
    };
    const measured = await inTurn(rounds, sides, { warmUp });
    const size = body.split('\n').length;
    const note = `${size} lines, a new text every round; ours checks expressions, references and inventory as well`;
    rows.push(compared(name, 'ms', measured, 'yaml-language-server 1.25.0', name === 'check' ? 2 : null, note));
  }
  return rows;
}

/** Processor time of 10,000 lines over that of 1,000: collecting garbage included, waiting for others on the machine not. */
export async function checkLinear(): Promise<Row[]> {
  const { validate } = await loadOurs<Ours>('check');
  const lines = (count: number) => {
    const body = runbookText(count);
    return (round: number) => {
      const before = process.cpuUsage();
      validate(`# ${round}\n${body}`);
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000;
    };
  };
  const sizes = { small: lines(1000), large: lines(10_000) };
  const measured = await inTurn(11, sizes, { warmUp: 4, times: { small: 10 } });
  // Means: garbage of one run may be collected in the next.
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [small, large] = [mean(measured.small), mean(measured.large)];
  const note = `1,000 lines take ${small.toFixed(1)} ms of processor time, 10,000 take ${large.toFixed(0)} ms`;
  return [limited('check-linear', '× time', large / small, 12, note)];
}

/** Both must find the file in order and a mistake in it, or they would not have done the same work. */
async function sameVerdict(
  text: string,
  ours: (text: string) => string[],
  rival: (text: string) => Promise<string[]>,
): Promise<void> {
  const broken = text.replace('quiesce: prefer', 'quiesce: perhaps');
  for (const [who, right, wrong] of [
    ['our check', ours(text), ours(broken)],
    ['yaml-language-server', await rival(text), await rival(broken)],
  ] as const) {
    if (right.length > 0) throw new Error(`${who} complains of the bench's runbook: ${right.slice(0, 3).join('; ')}`);
    if (wrong.length === 0) throw new Error(`${who} does not see a value that the schema rules out`);
  }
}

/** The little of yaml-language-server's interface that is used here. */
interface LanguageService {
  configure(settings: { validate: boolean; schemas: { uri: string; fileMatch: string[]; schema: unknown }[] }): void;
  doValidation(document: TextDocument, isKubernetes: boolean): Promise<{ message: string }[]>;
}

async function yamlLanguageServer(): Promise<(text: string) => Promise<string[]>> {
  const folder = await npmRival('yaml-language-server');
  const schemaFile = path.resolve('schemas', 'runbook.schema.json');
  if (!existsSync(schemaFile)) throw new Error(`${schemaFile} is not there: \`npm run generate\` writes it`);
  const schema: unknown = JSON.parse(readFileSync(schemaFile, 'utf8'));
  const { getLanguageService } = createRequire(path.join(folder, 'package.json'))('yaml-language-server') as {
    getLanguageService(params: unknown): LanguageService;
  };
  const service = getLanguageService({
    schemaRequestService: (uri: string) => Promise.reject(new Error(`${uri} is not to be fetched`)),
    workspaceContext: { resolveRelativePath: (relative: string, base: string) => new URL(relative, base).href },
  });
  service.configure({
    validate: true,
    schemas: [{ uri: 'file:///runbook.schema.json', fileMatch: ['*.runbook.yaml'], schema }],
  });
  let version = 0;
  return async text => {
    const document = TextDocument.create('file:///bench.runbook.yaml', 'yaml', ++version, text);
    return (await service.doValidation(document, false)).map(one => one.message);
  };
}
