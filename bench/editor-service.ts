import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { TextDocument } from 'vscode-languageserver-textdocument';

export const rivalName = 'yaml-language-server 1.25.0';

/** A version of a document, told from others by its number, as editors do. */
export interface Version {
  version: number;
  text: string;
}

/** What is asked of both sides. There is one document. */
export interface EditorService {
  /** What is wrong with it. */
  validate(document: Version): Promise<string[]>;
  /** Labels of what may be typed at an offset. */
  complete(document: Version, offset: number): Promise<string[]>;
  /** Whether something is said of what stands at an offset. */
  hover(document: Version, offset: number): Promise<boolean>;
  /** The next version is a new document, of which nothing is known. */
  close(): void;
}

/** The little of yaml-language-server's interface that is used here. */
interface LanguageService {
  configure(settings: unknown): void;
  doValidation(document: TextDocument, isKubernetes: boolean): Promise<{ message: string }[]>;
  doComplete(document: TextDocument, position: unknown, isKubernetes: boolean): Promise<{ items: { label: string }[] }>;
  doHover(document: TextDocument, position: unknown): Promise<unknown>;
}

/** yaml-language-server, installed in this folder, with the schema that is published for runbooks. */
export function rivalService(folder: string): EditorService {
  const schemaFile = path.resolve('schemas', 'runbook.schema.json');
  if (!existsSync(schemaFile)) throw new Error(`${schemaFile} is not there: \`npm run generate\` writes it`);
  const schema: unknown = JSON.parse(readFileSync(schemaFile, 'utf8'));
  const { getLanguageService } = createRequire(path.join(folder, 'package.json'))('yaml-language-server') as {
    getLanguageService(params: unknown): LanguageService;
  };
  const language = getLanguageService({
    schemaRequestService: (uri: string) => Promise.reject(new Error(`${uri} is not to be fetched`)),
    workspaceContext: { resolveRelativePath: (relative: string, base: string) => new URL(relative, base).href },
  });
  language.configure({
    validate: true,
    completion: true,
    hover: true,
    schemas: [{ uri: pathToFileURL(schemaFile).href, fileMatch: ['*.runbook.yaml'], schema }],
  });
  let document: TextDocument | undefined;
  // It knows nothing of earlier versions, but keeps what it has parsed of the last one.
  const documentOf = ({ version, text }: Version) => {
    if (document?.version !== version)
      document = TextDocument.create('file:///bench.runbook.yaml', 'yaml', version, text);
    return document;
  };
  return {
    validate: async version => (await language.doValidation(documentOf(version), false)).map(one => one.message),
    complete: async (version, offset) => {
      const document = documentOf(version);
      return (await language.doComplete(document, document.positionAt(offset), false)).items.map(item => item.label);
    },
    hover: async (version, offset) => {
      const document = documentOf(version);
      return Boolean(await language.doHover(document, document.positionAt(offset)));
    },
    close: () => undefined,
  };
}
