import * as vscode from 'vscode';
import { commentsAsReview, type DraftComment, preparedComments } from '../../review/comments';
import { commands } from '../ids';
import { reviewedFile } from './reviewedFile';
import type { KeptReview, ReviewResults } from './reviewResults';

const controllerId = 'virtbook.review';
/** Of the memento: drafts by review. */
const storedKey = 'virtbook.review.drafts';
/** Reviews whose drafts are kept; those of older ones are forgotten. */
const mostReviews = 5;
/** More could not be looked at in an editor; the report has them all. */
const mostComments = 200;

/** A draft as it is kept. `fingerprint`: of the finding that it was prepared for; without it a person began it. */
interface StoredDraft extends DraftComment {
  fingerprint?: string;
  resolved?: boolean;
}

interface StoredReview {
  review: string;
  drafts: StoredDraft[];
}

/** A draft that is shown: one comment in one thread. */
class Draft implements vscode.Comment {
  mode = vscode.CommentMode.Preview;
  readonly contextValue = 'draft';
  readonly author = { name: vscode.l10n.t('Draft, sent to nobody') };
  body: vscode.MarkdownString | string;
  private saved: string;

  constructor(
    readonly thread: vscode.CommentThread,
    readonly path: string,
    text: string,
    readonly fingerprint?: string,
  ) {
    this.saved = text;
    this.body = shown(text);
  }

  get text(): string {
    return this.saved;
  }

  /** While it is edited, what is typed is its body. */
  keep(): void {
    this.saved = typeof this.body === 'string' ? this.body : this.body.value;
    this.show(vscode.CommentMode.Preview);
  }

  show(mode: vscode.CommentMode): void {
    this.mode = mode;
    this.body = shown(this.saved);
    this.thread.comments = [this];
  }

  get stored(): StoredDraft {
    const { start, end } = this.thread.range ?? new vscode.Range(0, 0, 0, 0);
    return {
      ...(this.fingerprint !== undefined && { fingerprint: this.fingerprint }),
      place: { path: this.path, line: start.line + 1, endLine: end.line + 1 },
      body: this.saved,
      ...(this.isResolved && { resolved: true }),
    };
  }

  get isResolved(): boolean {
    return this.thread.state === vscode.CommentThreadState.Resolved;
  }
}

/** Drafts of comments on a review, to be edited and copied. Nothing is sent anywhere. */
export class ReviewComments implements vscode.Disposable {
  private readonly controller = vscode.comments.createCommentController(
    controllerId,
    vscode.l10n.t('Virtbook: drafts of comments'),
  );
  private readonly drafts = new Set<Draft>();
  private readonly listener: vscode.Disposable;

  constructor(
    private readonly results: ReviewResults,
    private readonly memento: vscode.Memento,
  ) {
    this.controller.options = { placeHolder: vscode.l10n.t('A comment of your own: a draft like the others') };
    this.controller.commentingRangeProvider = {
      provideCommentingRanges: document => {
        const kept = this.results.current;
        const file = kept && reviewedFile(kept, document.uri);
        return file?.side === 'head' ? [new vscode.Range(0, 0, document.lineCount - 1, 0)] : [];
      },
    };
    this.listener = results.onDidChange(() => this.showKept());
    this.showKept();
  }

  /** Adds a draft for each finding that has none. */
  async prepare(): Promise<void> {
    const kept = this.results.current;
    if (!kept) {
      void vscode.window.showInformationMessage(
        vscode.l10n.t('Nothing has been reviewed yet. Choose Review Runbook Changes first.'),
      );
      return;
    }
    const found = preparedComments(kept.result.review);
    const known = new Set([...this.drafts].map(({ fingerprint }) => fingerprint));
    for (const comment of found.slice(0, mostComments)) {
      if (!known.has(comment.fingerprint)) this.add(kept, comment);
    }
    await this.store();
    await this.tellPrepared(found.length);
  }

  private async tellPrepared(found: number): Promise<void> {
    if (found === 0) {
      void vscode.window.showInformationMessage(
        vscode.l10n.t('This review has no new problem, and no failure that newly does not come back.'),
      );
      return;
    }
    const copy = vscode.l10n.t('Copy All as a Review');
    const text =
      found > mostComments
        ? vscode.l10n.t('The first {0} of {1} findings have a draft now. Nothing was sent.', mostComments, found)
        : vscode.l10n.t('{0} findings have a draft of a comment now. Nothing was sent.', found);
    // Nobody waits for the answer.
    void vscode.window.showInformationMessage(text, copy).then(answer => {
      if (answer === copy) void vscode.commands.executeCommand(commands.copyComments);
    });
  }

  /** What a person typed where there was no comment yet. */
  async addOwn(argument: unknown): Promise<void> {
    const kept = this.results.current;
    if (!kept || !isReply(argument)) return;
    const { thread, text } = argument;
    const file = reviewedFile(kept, thread.uri);
    if (!file || text.trim() === '') return;
    this.equip(thread, new Draft(thread, file.path, text));
    await this.store();
  }

  edit(argument: unknown): void {
    if (argument instanceof Draft) argument.show(vscode.CommentMode.Editing);
  }

  cancelEdit(argument: unknown): void {
    if (argument instanceof Draft) argument.show(vscode.CommentMode.Preview);
  }

  async save(argument: unknown): Promise<void> {
    if (!(argument instanceof Draft)) return;
    argument.keep();
    await this.store();
  }

  async remove(argument: unknown): Promise<void> {
    const draft = this.draftOf(argument);
    if (!draft) return;
    this.drafts.delete(draft);
    draft.thread.dispose();
    await this.store();
  }

  async resolve(argument: unknown, resolved: boolean): Promise<void> {
    const draft = this.draftOf(argument);
    if (!draft) return;
    setResolved(draft.thread, resolved);
    await this.store();
  }

  async copy(argument: unknown): Promise<void> {
    const draft = this.draftOf(argument);
    if (!draft) return;
    await vscode.env.clipboard.writeText(draft.text);
    vscode.window.setStatusBarMessage(vscode.l10n.t('The comment was copied as Markdown.'), 5_000);
  }

  /** Those that are not resolved, as one text. */
  async copyAll(): Promise<void> {
    const kept = this.results.current;
    const open = [...this.drafts].filter(draft => !draft.isResolved);
    if (!kept || open.length === 0) {
      void vscode.window.showInformationMessage(
        vscode.l10n.t('There are no drafts to copy. Choose Prepare Comments on Findings first.'),
      );
      return;
    }
    await vscode.env.clipboard.writeText(
      commentsAsReview(
        kept.result.review,
        open.map(draft => draft.stored),
      ),
    );
    void vscode.window.showInformationMessage(
      vscode.l10n.t('{0} comments were copied. Paste them where the change is discussed.', open.length),
    );
  }

  /** The drafts of this review that were kept, at the lines where their findings are now. */
  private showKept(): void {
    for (const draft of this.drafts) draft.thread.dispose();
    this.drafts.clear();
    const kept = this.results.current;
    if (!kept) return;
    const found = new Map(preparedComments(kept.result.review).map(comment => [comment.fingerprint, comment]));
    for (const stored of this.stored().find(({ review }) => review === nameOf(kept))?.drafts ?? []) {
      const finding = stored.fingerprint === undefined ? undefined : found.get(stored.fingerprint);
      // What it was about is gone.
      if (stored.fingerprint !== undefined && !finding) continue;
      this.add(kept, { ...stored, place: finding?.place ?? stored.place });
    }
  }

  private add(kept: KeptReview, { place, body, fingerprint, resolved }: StoredDraft): void {
    const uri = kept.uriOf('head', place.path);
    const range = new vscode.Range(place.line - 1, 0, place.endLine - 1, 0);
    const thread = this.controller.createCommentThread(uri, range, []);
    this.equip(thread, new Draft(thread, place.path, body, fingerprint), resolved);
  }

  private equip(thread: vscode.CommentThread, draft: Draft, resolved = false): void {
    thread.canReply = false;
    thread.label = vscode.l10n.t('Draft');
    setResolved(thread, resolved);
    draft.show(vscode.CommentMode.Preview);
    this.drafts.add(draft);
  }

  private draftOf(argument: unknown): Draft | undefined {
    return [...this.drafts].find(draft => draft === argument || draft.thread === argument);
  }

  private stored(): StoredReview[] {
    return this.memento.get<StoredReview[]>(storedKey, []);
  }

  private async store(): Promise<void> {
    const kept = this.results.current;
    if (!kept) return;
    const name = nameOf(kept);
    const own: StoredReview = { review: name, drafts: [...this.drafts].map(draft => draft.stored) };
    const others = this.stored().filter(({ review }) => review !== name);
    await this.memento.update(storedKey, [own, ...others].slice(0, mostReviews));
  }

  dispose(): void {
    this.listener.dispose();
    this.controller.dispose();
  }
}

/** A review that is made again, of the same two sides, has the same name. */
function nameOf({ result: { review } }: KeptReview): string {
  return `${review.base.label}\n${review.head.label}`;
}

/** No HTML, and no links that run commands. */
function shown(text: string): vscode.MarkdownString {
  return new vscode.MarkdownString(text);
}

function setResolved(thread: vscode.CommentThread, resolved: boolean): void {
  const { Resolved, Unresolved } = vscode.CommentThreadState;
  const { Collapsed, Expanded } = vscode.CommentThreadCollapsibleState;
  thread.state = resolved ? Resolved : Unresolved;
  thread.contextValue = resolved ? 'resolved' : 'draft';
  thread.collapsibleState = resolved ? Collapsed : Expanded;
}

function isReply(argument: unknown): argument is vscode.CommentReply {
  return typeof argument === 'object' && argument !== null && 'thread' in argument && 'text' in argument;
}
