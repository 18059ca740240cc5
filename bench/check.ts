import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { loadOurs } from './ours';
import { npmRival } from './rivals';
import { alternate } from './rounds';
import { compared, limited, type Row, spread } from './row';
import { runbookText } from './runbook-text';

type Ours = typeof import('./ours/check');

/** `virtbook check` of a 1,000-line runbook and of a 10,000-line one, against yaml-language-server with the same schema. */
export async function check(): Promise<Row[]> {
  const { validate } = await loadOurs<Ours>('check');
  const rival = await yamlLanguageServer();
  const rows: Row[] = [];
  for (const [name, lines, rounds] of [
    ['check', 1000, 25],
    ['check-10k', 10_000, 7],
  ] as const) {
    sameVerdict(validate(runbookText(lines, -2)), await rival(runbookText(lines, -2)));
    let salt = 0;
    const measured = await alternate(rounds, {
      ours: () => void validate(runbookText(lines, salt++)),
      rival: () => rival(runbookText(lines, salt++)),
    });
    const size = runbookText(lines, 0).split('\n').length;
    const note = `${size} lines, a new text every round; ours checks expressions, references and inventory as well`;
    rows.push(compared(name, 'ms', measured, 'yaml-language-server 1.25.0', name === 'check' ? 2 : null, note));
  }
  return rows;
}

/** Time of 10,000 lines over time of 1,000 lines. */
export async function checkLinear(): Promise<Row[]> {
  const { validate } = await loadOurs<Ours>('check');
  let salt = 0;
  const lines = (count: number) => () => void validate(runbookText(count, salt++));
  const measured = await alternate(15, { ours: lines(1000), rival: lines(10_000), oursPerRound: 4 });
  const [small, large] = [spread(measured.ours), spread(measured.rival)];
  const note = `1,000 lines in ${small.median.toFixed(1)} ms, 10,000 in ${large.median.toFixed(0)} ms`;
  return [limited('check-linear', '× time', large.median / small.median, 12, note)];
}

/** Both must find the file in order, or they would not have done the same work. */
function sameVerdict(ours: string[], rival: string[]): void {
  if (ours.length) throw new Error(`our check complains of the bench's runbook: ${ours.slice(0, 3).join('; ')}`);
  if (rival.length) throw new Error(`yaml-language-server complains of the runbook: ${rival.slice(0, 3).join('; ')}`);
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
