import * as vscode from 'vscode';
import { escaped } from '../../engine/markdown-text';
import { type ChangeMark, changeMarks, type MarkKind, type Said } from '../../review/marks';
import { reviewedFile } from './reviewedFile';
import type { KeptReview, ReviewResults } from './reviewResults';
import { shiftedLine } from './shiftedLine';

/** The marks of one document; lines count from 0 and follow what is typed. */
type Drawn = Omit<ChangeMark, 'line'> & { line: number };

/** Colours that package.json contributes. */
const colours: Record<MarkKind, string> = {
  riskier: 'virtbook.reviewRiskier',
  added: 'virtbook.reviewAdded',
  changed: 'virtbook.reviewChanged',
  moved: 'virtbook.reviewMoved',
  removed: 'virtbook.reviewRemoved',
};

/** Marks in the gutter what is not as it is on the other side of the review, in the open file and on both sides of diffs. */
export class ReviewMarks implements vscode.Disposable {
  private readonly types: Record<MarkKind, vscode.TextEditorDecorationType>;
  private readonly drawn = new Map<string, Promise<Drawn[]>>();
  private readonly disposables: vscode.Disposable[];

  constructor(
    private readonly results: ReviewResults,
    media: vscode.Uri,
  ) {
    const types = Object.entries(colours).map(([kind, colour]) => [kind, decoration(media, kind, colour)]);
    this.types = Object.fromEntries(types);
    this.disposables = [
      ...Object.values(this.types),
      results.onDidChange(() => {
        this.drawn.clear();
        this.draw();
      }),
      vscode.window.onDidChangeVisibleTextEditors(() => this.draw()),
      vscode.workspace.onDidChangeTextDocument(event => this.follow(event)),
    ];
    this.draw();
  }

  /** Goes to the next mark in front, or with -1 to the one before, and shows what is said of it. */
  async go(by: 1 | -1): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const marks = editor ? await this.marksOf(editor.document) : [];
    if (!editor || marks.length === 0) {
      void vscode.window.showInformationMessage(
        this.results.current
          ? vscode.l10n.t('Nothing in this file differs in the review that is shown.')
          : vscode.l10n.t('Nothing has been reviewed yet. Choose Review Runbook Changes first.'),
      );
      return;
    }
    const { line } = editor.selection.active;
    const next =
      by > 0
        ? (marks.find(mark => mark.line > line) ?? marks[0]!)
        : (marks.findLast(mark => mark.line < line) ?? marks.at(-1)!);
    const start = new vscode.Position(next.line, editor.document.lineAt(next.line).firstNonWhitespaceCharacterIndex);
    editor.selection = new vscode.Selection(start, start);
    editor.revealRange(new vscode.Range(start, start), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
    vscode.window.setStatusBarMessage(`${kindText(next.kind)}: ${next.title}`, 5_000);
    // A screen reader is given the hover to read.
    await vscode.commands.executeCommand('editor.action.showHover', { focus: 'noAutoFocus' });
  }

  private draw(): void {
    for (const editor of vscode.window.visibleTextEditors) {
      void this.marksOf(editor.document).then(marks => this.decorate(editor, marks));
    }
  }

  private decorate(editor: vscode.TextEditor, marks: readonly Drawn[]): void {
    for (const kind of Object.keys(this.types) as MarkKind[]) {
      const own = marks.filter(mark => mark.kind === kind && mark.line < editor.document.lineCount);
      editor.setDecorations(
        this.types[kind],
        own.map(mark => ({ range: editor.document.lineAt(mark.line).range, hoverMessage: hoverOf(mark) })),
      );
    }
  }

  /** They are made once for a document and a review; from then on they go with its lines. */
  private marksOf(document: vscode.TextDocument): Promise<Drawn[]> {
    const key = document.uri.toString();
    const kept = this.results.current;
    if (!kept) return Promise.resolve([]);
    let marks = this.drawn.get(key);
    if (!marks) {
      marks = marksIn(kept, document.uri);
      this.drawn.set(key, marks);
    }
    return marks;
  }

  /** VS Code moves what it shows itself; this is for editors that are opened later, and for the commands. */
  private follow({ document, contentChanges }: vscode.TextDocumentChangeEvent): void {
    const key = document.uri.toString();
    const marks = this.drawn.get(key);
    if (!marks || contentChanges.length === 0) return;
    const shifted = marks.then(known =>
      known.flatMap(mark => {
        const line = shiftedLine(mark.line, contentChanges);
        return line === undefined ? [] : [{ ...mark, line }];
      }),
    );
    this.drawn.set(key, shifted);
  }

  dispose(): void {
    for (const item of this.disposables) item.dispose();
  }
}

async function marksIn(kept: KeptReview, uri: vscode.Uri): Promise<Drawn[]> {
  const file = reviewedFile(kept, uri);
  if (!file) return [];
  const content = await kept.changes[file.side].read(file.path);
  const text = content.kind === 'text' ? content.text : '';
  return changeMarks(kept.result, file.side, file.path, text).map(mark => ({ ...mark, line: mark.line - 1 }));
}

function decoration(media: vscode.Uri, kind: string, colour: string): vscode.TextEditorDecorationType {
  const icon = (theme: string) => ({ gutterIconPath: vscode.Uri.joinPath(media, `marks/${kind}-${theme}.svg`) });
  return vscode.window.createTextEditorDecorationType({
    light: icon('light'),
    dark: icon('dark'),
    gutterIconSize: 'contain',
    isWholeLine: true,
    borderStyle: 'solid',
    borderWidth: '0 0 0 2px',
    borderColor: new vscode.ThemeColor(colour),
    overviewRulerColor: new vscode.ThemeColor(colour),
    overviewRulerLane: vscode.OverviewRulerLane.Center,
    // What is typed before or behind it is no part of it.
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  });
}

/** What comes from runbooks and rehearsals is text, never markup. `appendText` would join all words with spaces that don't break. */
function hoverOf(mark: Drawn): vscode.MarkdownString {
  const lists = [mark.differences, mark.effects].filter(list => list.length > 0);
  const lines = lists.map(list => list.map(said => `- ${escaped(oneLine(said))}`).join('\n'));
  return new vscode.MarkdownString(
    [`**${escaped(kindText(mark.kind))}** ${escaped(mark.title)}`, ...lines].join('\n\n'),
  );
}

function oneLine({ text, effect }: Said): string {
  const line = text.replace(/\s+/g, ' ');
  if (effect === 'riskier') return vscode.l10n.t('{0} (riskier)', line);
  return effect === 'safer' ? vscode.l10n.t('{0} (safer)', line) : line;
}

function kindText(kind: MarkKind): string {
  switch (kind) {
    case 'riskier':
      return vscode.l10n.t('Riskier');
    case 'added':
      return vscode.l10n.t('Added');
    case 'changed':
      return vscode.l10n.t('Changed');
    case 'moved':
      return vscode.l10n.t('Moved');
    case 'removed':
      return vscode.l10n.t('Removed');
  }
}
