import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JournalRecord } from '../../../src/engine/journal';
import { escapeHtml, shellHtml } from '../../../src/vscode/runPage/html';
import { printedRun } from '../../../src/vscode/runPage/printPage';
import { type PageHead, readFromHost, readFromPage } from '../../../src/vscode/runPage/protocol';
import { StepLog } from '../../../src/vscode/runPage/stepLog';
import { fill, pageTexts } from '../../../src/vscode/runPage/texts';

const evil = `</style></script><img src=x onerror="alert('1')">&amp;`;
const texts = pageTexts(text => text);
const head: PageHead = {
  runId: evil,
  name: evil,
  status: 'needs-operator',
  statusText: evil,
  live: false,
  by: evil,
  planHash: evil,
  runbookPath: evil,
  submittedAt: 0,
  endedAt: 60_000,
  progress: 1,
  failure: evil,
  questions: [],
  approvals: [],
  paused: [],
  remaining: [{ key: evil, text: evil, why: evil }],
  warnings: [evil],
  actions: [],
};
const step = {
  key: evil,
  uses: evil,
  lanes: [0],
  live: {
    state: 'undo-failed' as const,
    title: evil,
    attempt: 2,
    startedAt: 0,
    endedAt: 50_000,
    undoStartedAt: 51_000,
    undoEndedAt: 59_000,
    failure: evil,
    reason: evil,
    undo: evil,
    undoOrder: 1,
  },
};

describe('what is printed', () => {
  const html = printedRun({ head, lanes: [{ kind: 'vm', name: evil }], steps: [step], texts, now: 0, language: 'en' });

  it('holds texts as texts, wherever they come from', () => {
    expect(html).not.toContain('<img');
    expect(html).not.toContain('<script');
    expect(html.split(escapeHtml(evil)).length).toBeGreaterThan(10);
  });

  it('loads nothing and runs nothing', () => {
    expect(html).toContain("default-src 'none'");
    expect(html).not.toMatch(/<[^>]*\b(src|href)=/);
  });

  it('has the timeline, the steps, what is left and the undo list', () => {
    for (const part of ['<svg', '<table', texts.remaining, texts.undoList, texts.warnings])
      expect(html).toContain(part);
  });
});

describe('the page in VS Code', () => {
  const shell = {
    title: evil,
    language: 'en',
    loading: evil,
    script: 's.js',
    style: 's.css',
    cspSource: 'https://x',
    nonce: 'n0nce',
  };

  it('lets only its own script and style in', () => {
    const html = shellHtml(shell);
    expect(html).toContain(
      escapeHtml(
        "default-src 'none'; style-src https://x; script-src 'nonce-n0nce'; base-uri 'none'; form-action 'none'",
      ),
    );
    expect(html.match(/<script/g)).toHaveLength(1);
    expect(html).not.toContain('<img');
  });

  it('never reads HTML in its script', () => {
    const folder = 'src/vscode/runPage/browser';
    for (const name of readdirSync(folder).filter(file => file.endsWith('.ts'))) {
      const source = readFileSync(`${folder}/${name}`, 'utf8');
      expect(source, name).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(/);
    }
  });
});

describe('escapeHtml', () => {
  it('leaves no character that ends a text or an attribute', () => {
    fc.assert(
      fc.property(fc.string(), text => {
        expect(escapeHtml(text)).not.toMatch(/[<>"']|&(?!amp;|lt;|gt;|quot;|#39;)/);
      }),
    );
  });
});

describe('messages', () => {
  it('of the page are understood when they are whole, and nothing else is', () => {
    const good = [
      { type: 'ready' },
      { type: 'choose' },
      { type: 'choose', key: 'a' },
      { type: 'answer', question: 'q', choice: 'c' },
      { type: 'decide', key: 'a', decision: 'reject' },
      { type: 'open', key: 'a' },
      { type: 'do', action: 'cancel' },
    ];
    for (const message of good) expect(readFromPage(message)).toEqual(message);
    const bad = [
      undefined,
      null,
      [],
      'ready',
      {},
      { type: 'choose', key: 1 },
      { type: 'decide', key: 'a', decision: 'maybe' },
      { type: 'do', action: 'toString' },
      { type: 'answer', question: 'q' },
      { type: 'open' },
    ];
    for (const message of bad) expect(readFromPage(message)).toBeUndefined();
  });

  it('keep only what belongs to them', () => {
    expect(readFromPage({ type: 'journal', command: 'rm' })).toEqual({ type: 'journal' });
  });

  it('of the extension are looked at too', () => {
    expect(readFromHost({ type: 'problem', text: 'x' })).toBeDefined();
    expect(readFromHost({ type: 'whole', clock: 1, head, lanes: [], steps: [], texts })).toBeDefined();
    expect(readFromHost({ type: 'update', clock: 1, changed: 'x' })).toBeUndefined();
    expect(readFromHost({ type: 'whole', clock: 1 })).toBeUndefined();
    expect(readFromHost({ source: 'somebody else' })).toBeUndefined();
  });

  it('have values filled in where they stand', () => {
    expect(fill('{1} of {0}', 7, '{0}')).toBe('{0} of 7');
  });
});

describe('the log of a step', () => {
  const said = (key: string, text: string, stream: 'stdout' | 'stderr' = 'stdout'): JournalRecord => ({
    n: 0,
    t: 0,
    type: 'step.log',
    key,
    stream,
    text,
  });
  const over: JournalRecord = { n: 0, t: 0, type: 'step.done', key: 'a', pointer: '', attempt: 1, outputs: {} };

  it('is cut into lines, streams apart, whatever the pieces', () => {
    const log = new StepLog('a');
    const records = [said('a', 'on'), said('a', 'err\n', 'stderr'), said('b', 'other\n'), said('a', 'e\r\ntwo\nthr')];
    expect(log.take(records)).toEqual([
      { stream: 'stderr', text: 'err' },
      { stream: 'stdout', text: 'one' },
      { stream: 'stdout', text: 'two' },
    ]);
    expect(log.take([...records, said('a', 'ee'), over])).toEqual([{ stream: 'stdout', text: 'three' }]);
    expect(log.lines.map(line => line.text)).toEqual(['err', 'one', 'two', 'three']);
  });

  it('keeps the last lines and says how many it dropped', () => {
    const log = new StepLog('a');
    const records = [said('a', `${Array.from({ length: 5_990 }, (_, at) => at).join('\n')}\n`)];
    expect(log.take(records)).toHaveLength(5_000);
    expect([log.dropped, log.lines.length]).toEqual([990, 5_000]);
    log.take([...records, said('a', 'x\n'.repeat(100))]);
    expect([log.dropped, log.lines.length, log.lines.at(-1)?.text]).toEqual([1_090, 5_000, 'x']);
  });
});
