import * as vscode from 'vscode';
import { languages } from '../ids';
import { asLspDocument } from '../language/lspTypes';
import { debug, language } from '../lazy';

/** What is evaluated on hover while a run stands: the name under the mouse, in an expression. */
export class HoveredName implements vscode.EvaluatableExpressionProvider {
  provideEvaluatableExpression(
    document: vscode.TextDocument,
    position: vscode.Position,
  ): vscode.EvaluatableExpression | undefined {
    const name = debug().nameAt(parsed(document), document.offsetAt(position));
    if (!name) return undefined;
    return new vscode.EvaluatableExpression(rangeOf(document, name), name.expression);
  }
}

/** Values at the ends of lines, for steps up to the one at which the run stands, and of that one. */
export class ValuesInText implements vscode.InlineValuesProvider {
  provideInlineValues(
    document: vscode.TextDocument,
    viewPort: vscode.Range,
    { stoppedLocation }: vscode.InlineValueContext,
  ): vscode.InlineValue[] {
    const runbook = parsed(document);
    const step = debug().stepFrom(runbook, document.offsetAt(stoppedLocation.start));
    const last = Math.min(viewPort.end.line, document.positionAt(step.end).line);
    const seen = new Set<string>();
    return debug()
      .expressionNames(runbook)
      .flatMap(name => {
        const range = rangeOf(document, name);
        if (range.start.line < viewPort.start.line || range.start.line > last) return [];
        // The variable of another loop may have the same name and another value.
        if (!/^(inputs|steps)\b/.test(name.expression) && !isBeside(name.pointer, step.pointer)) return [];
        const once = `${range.start.line} ${name.expression}`;
        if (seen.has(once)) return [];
        seen.add(once);
        return [new vscode.InlineValueEvaluatableExpression(range, name.expression)];
      });
  }
}

/** Whether the steps at two pointers are in the same list of steps. */
function isBeside(one: string, other: string): boolean {
  const listOf = (pointer: string) => /^(.*\/steps)\/\d+/.exec(pointer)?.[1];
  return listOf(one) !== undefined && listOf(one) === listOf(other);
}

function parsed(document: vscode.TextDocument) {
  return language().runbookOf(asLspDocument(document));
}

function rangeOf(document: vscode.TextDocument, { start, end }: { start: number; end: number }): vscode.Range {
  return new vscode.Range(document.positionAt(start), document.positionAt(end));
}

export const debugLanguages: vscode.DocumentSelector = [{ language: languages.runbook }];
