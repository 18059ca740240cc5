/** A timer that stands still while a person is being asked. */
export class Deadline {
  private left: number;
  private since = 0;
  private timer: NodeJS.Timeout | undefined;
  private questions = 0;
  private stopped = false;
  private readonly onExpire: () => void;

  constructor(milliseconds: number, onExpire: () => void) {
    this.left = milliseconds;
    this.onExpire = onExpire;
    this.run();
  }

  async asking<T>(question: () => Promise<T>): Promise<T> {
    if (this.questions++ === 0) this.hold();
    try {
      return await question();
    } finally {
      if (--this.questions === 0 && !this.stopped) this.run();
    }
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private run(): void {
    this.since = performance.now();
    this.timer = setTimeout(this.onExpire, this.left);
  }

  private hold(): void {
    clearTimeout(this.timer);
    this.left = Math.max(0, this.left - (performance.now() - this.since));
  }
}
