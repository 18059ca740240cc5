import * as vscode from 'vscode';

/** What a terminal is connected to. */
export interface Line {
  write(bytes: Uint8Array): void;
  resize?(columns: number, rows: number): void;
  /** Idempotent; resolves also when the other side is gone. */
  close(): Promise<void>;
}

export interface LineEvents {
  columns: number;
  rows: number;
  onData(bytes: Uint8Array): void;
  /** The other side is done. `text`: why, unless that needs no word; `code`: exit code of a shell. */
  onEnd(end: { text?: string; code?: number }): void;
}

export interface ByteTerminalOptions {
  /** Said first. */
  greeting: string;
  connect(events: LineEvents): Promise<Line | undefined>;
  /** A key that closes the terminal instead of being sent. */
  escapeKey?: string;
  onProblem(error: unknown): void;
}

const FALLBACK = { columns: 80, rows: 24 };

/** A terminal of VS Code on a line of bytes. When the line ends, it stays to be read: Enter connects again, any other key closes it. */
export class ByteTerminal implements vscode.Pseudoterminal {
  private readonly written = new vscode.EventEmitter<string>();
  private readonly closed = new vscode.EventEmitter<number | undefined>();
  readonly onDidWrite = this.written.event;
  readonly onDidClose = this.closed.event;
  private readonly encoder = new TextEncoder();
  private line: Line | undefined;
  private size = FALLBACK;
  /** What was typed before there was a line to send it to. */
  private typed = '';
  private state: 'connecting' | 'open' | 'over' | 'closed' = 'connecting';

  constructor(private readonly options: ByteTerminalOptions) {}

  open(size: vscode.TerminalDimensions | undefined): void {
    if (size) this.size = size;
    void this.connect();
  }

  private async connect(): Promise<void> {
    const { options } = this;
    this.state = 'connecting';
    this.typed = '';
    this.note(options.greeting);
    // What comes from a line that was given up is not shown.
    const decoder = new TextDecoder();
    let isOver = false;
    try {
      const line = await options.connect({
        ...this.size,
        onData: bytes => {
          if (this.state !== 'closed') this.written.fire(decoder.decode(bytes, { stream: true }));
        },
        onEnd: end => {
          isOver = true;
          this.ended(end);
        },
      });
      if (!line) return this.closed.fire(undefined);
      if (this.isClosed || isOver) return void line.close();
      this.line = line;
      this.state = 'open';
      line.resize?.(this.size.columns, this.size.rows);
      if (this.typed !== '') line.write(this.encoder.encode(this.typed));
    } catch (error) {
      options.onProblem(error);
      this.ended({ text: error instanceof Error ? error.message : String(error) });
    }
  }

  private get isClosed(): boolean {
    return this.state === 'closed';
  }

  handleInput(text: string): void {
    if (text === this.options.escapeKey) this.closed.fire(undefined);
    else if (this.state === 'over' && text === '\r') void this.connect();
    else if (this.state === 'over') this.closed.fire(undefined);
    else if (this.line) this.line.write(this.encoder.encode(text));
    else this.typed += text;
  }

  setDimensions(size: vscode.TerminalDimensions): void {
    this.size = size;
    this.line?.resize?.(size.columns, size.rows);
  }

  private ended({ text, code }: { text?: string; code?: number }): void {
    if (this.isClosed) return;
    void this.line?.close();
    this.line = undefined;
    if (text === undefined) {
      this.closed.fire(code === 0 ? undefined : code);
      return;
    }
    this.state = 'over';
    this.note(`${text} ${vscode.l10n.t('Enter opens it again, any other key closes this terminal.')}`);
  }

  /** A line of our own, set apart from what the other side says. */
  private note(text: string): void {
    // Nothing that a name or an error holds may move the cursor.
    const plain = text.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
    this.written.fire(`\r\n\x1b[2m[${plain}]\x1b[0m\r\n`);
  }

  close(): void {
    this.state = 'closed';
    void this.line?.close();
    this.line = undefined;
  }
}
