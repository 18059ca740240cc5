import { TextDocument } from 'vscode-languageserver-textdocument';
import { DiagnosticSeverity } from 'vscode-languageserver-types';
import { actions } from '../../actions/catalogue';
import { ParseCache, runbookOf } from '../../editor/parse-cache';
import { type FileReader, Surroundings } from '../../editor/surroundings';
import { validate } from '../../editor/validate';
import type { SeenNames } from '../../inventory/names';
import type { RunbookFacts } from './runbooksTree';

/** Looks at runbooks that no editor shows. */
export class RunbookChecks {
  readonly #around: Surroundings;

  constructor(files: FileReader, seen: (inventory: string) => SeenNames | undefined) {
    this.#around = new Surroundings(files, seen);
  }

  async facts(uri: string, text: string): Promise<RunbookFacts> {
    const document = TextDocument.create(uri, 'virt-runbook', 0, text);
    // For this once: the text may be another one the next time.
    const cache = new ParseCache(1);
    this.#around.forgetNames();
    const found = validate(document, { ...(await this.#around.of(document, cache)), actions, cache });
    const { draft } = runbookOf(document, cache);
    return {
      ...(draft.name !== '' && { name: draft.name }),
      ...(draft.description !== undefined && { text: draft.description }),
      errors: found.filter(one => one.severity === DiagnosticSeverity.Error).length,
      warnings: found.filter(one => one.severity === DiagnosticSeverity.Warning).length,
    };
  }
}
