import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JournalRecord, RunEvent } from '../../src/engine/journal';
import type { JournalWriter } from '../../src/engine/journal-durable';
import { Secrets, secretRefused } from '../../src/engine/secrets';
import type { Step } from '../../src/runbook/model';
import { call, set, testRun } from './harness';

const token = 'pa$$ "wörd"\\/+1';

function memory(): JournalWriter & { events: RunEvent[] } {
  const events: RunEvent[] = [];
  return {
    events,
    append: async event => {
      events.push(event);
      return { n: 0, t: 0, ...event } as JournalRecord;
    },
  };
}

const log = (key: string, text: string): RunEvent => ({ type: 'step.log', key, stream: 'stdout', text });

describe('a secret', () => {
  const secrets = new Secrets({ token });

  it.each([
    ['as it is', token],
    ['inside a text', `curl -H "X: ${token}" https://host`],
    ['as JSON has it', JSON.stringify({ token })],
    ['as JSON in JSON has it', JSON.stringify(JSON.stringify({ token }))],
    ['as a URL has it', `https://host/?t=${encodeURIComponent(token)}`],
    ['as base64 has it', Buffer.from(token).toString('base64')],
    ['as base64 has it behind a name', Buffer.from(`user:${token}`).toString('base64')],
    ['as base64 has it between others', Buffer.from(`{"a":"${token}"}`).toString('base64')],
    ['as base64url has it', Buffer.from(`ab${token}`).toString('base64url')],
  ])('is struck %s, and comes back as it was', (_how, text) => {
    const struck = secrets.strike({ text, deep: [{ [text]: 1 }] });
    expect(JSON.stringify(struck)).toContain('‹secret token');
    const shown = JSON.stringify(struck);
    for (const form of [token, JSON.stringify(token).slice(1, -1), encodeURIComponent(token)]) {
      expect(shown).not.toContain(form);
    }
    expect(secrets.restore(struck)).toEqual({ text, deep: [{ [text]: 1 }] });
  });

  it('is not put where a text only looks like its mark', () => {
    const text = 'echo ‹secret token›';
    expect(secrets.restore(secrets.strike(text))).toBe(text);
    expect(secrets.strike(text)).not.toContain('‹secret token›');
  });

  it('is whole or missing in a text that is cut while it is made, wherever that is', () => {
    const given = { argv: ['echo', 'x', `"${token}"`, token, 'end'] };
    const whole = secrets.strike(secrets.told(given, ({ argv }) => argv.join(' ')));
    expect(whole).toBe('echo x "‹secret token›" ‹secret token› end');
    for (let length = 0; length < 40; length++) {
      for (const cut of [
        ({ argv }: typeof given) => argv.join(' ').slice(0, length),
        ({ argv }: typeof given) => argv.join(' ').slice(-length),
      ]) {
        const text = secrets.told(given, cut);
        const rest = secrets.strike(text).replaceAll('‹secret token›', '');
        for (const part of [token.slice(0, 3), token.slice(-3)]) expect(rest).not.toContain(part);
      }
    }
    expect(new Secrets({}).told('text', text => text.slice(0, 2))).toBe('te');
  });

  it('of several lines is struck line by line; of one line also without the blanks around it, and as a shell quotes it', () => {
    const key = '-----BEGIN KEY-----\nMIIEvQIBADANBg\n\nkqhkiG9w0BAQEF\nab\n-----END KEY-----\n';
    const all = new Secrets({ key, word: ' my word \n', quoted: "can't say" });
    for (const text of [
      '4: kqhkiG9w0BAQEF',
      'MIIEvQIBADANBg; kqhkiG9w0BAQEF',
      'said my word.',
      "echo 'can'\\''t say'",
    ]) {
      const struck = all.strike(text);
      expect(struck).not.toMatch(/MIIE|kqhk|my word|t say/);
      expect(all.restore(struck)).toBe(text);
    }
    // Too common to be told from other text.
    expect(all.strike('abc')).toBe('abc');
  });

  it('is refused when it is too short to be struck', () => {
    expect(secretRefused('pin', '123')).toContain('pin');
    expect(() => new Secrets({ pin: '123' })).toThrow('shorter than 4');
  });

  it('comes back whatever it is, and whatever is around it', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 4, unit: 'grapheme' }), fc.string(), fc.string(), (value, before, after) => {
        const one = new Secrets({ one: value });
        const texts = [before + value + after, Buffer.from(before + value + after).toString('base64')];
        expect(one.restore(one.strike(texts))).toEqual(texts);
      }),
    );
  });

  it('is struck from output that brings it in pieces, however it is cut', async () => {
    const value = 'correct horse';
    for (let cut = 1; cut < value.length; cut++) {
      const journal = memory();
      const writer = new Secrets({ value }).wrap(journal);
      await writer.append(log('a', `begin ${value.slice(0, cut)}`), 'soon');
      await writer.append(log('b', 'other '), 'soon');
      await writer.append(log('a', `${value.slice(cut)} end cor`), 'soon');
      await writer.append({ type: 'step.done', key: 'a', pointer: '', attempt: 1, outputs: {} }, 'synced');
      const text = journal.events.map(one => (one.type === 'step.log' && one.key === 'a' ? one.text : '')).join('');
      expect(text).toBe('begin ‹secret value› end cor');
      expect(journal.events.at(-1)?.type).toBe('step.done');
    }
  });
});

describe('a run with a secret', () => {
  const inputs = { token: { type: 'secret' as const } };
  const given = (target: string, template: string): Step => ({
    ...(set(target, { id: 'a' }) as Extract<Step, { kind: 'action' }>),
    with: { target, value: 1, note: template },
  });

  it('acts with its value, and writes its mark', async () => {
    const run = testRun([given('a', 'Bearer ${{ inputs.token }}'), set('b', { id: 'b', fault: 'fail' })], {
      runbook: { inputs },
      secrets: { token },
    });
    expect(run.plan.inputs).toEqual({ token: '‹secret token›' });
    expect(await run.carry()).toMatchObject({ status: 'rolled-back' });
    expect(run.world.notes).toEqual([`Bearer ${token}`]);
    expect(JSON.stringify(run.journal.records)).not.toContain(JSON.stringify(token).slice(1, -1));
    expect(run.journal.records.find(one => one.type === 'step.intent')).toMatchObject({
      inputs: { note: 'Bearer ‹secret token›' },
    });
  });

  it('has it again after a restart, in a called runbook, too', async () => {
    const run = testRun(
      [
        call([given('a', '${{ inputs.pass }}')], {
          inputs: { pass: { type: 'secret' } },
          with: { pass: '${{ inputs.token }}' },
        }),
      ],
      { runbook: { inputs }, secrets: { token } },
    );
    // Right after the intent.
    expect(await run.carry({ at: 3, when: 'after' })).toBeUndefined();
    expect(run.journal.records.at(-1)?.type).toBe('step.intent');
    expect(await run.carry()).toMatchObject({ status: 'done' });
    expect(run.world.notes).toEqual([token]);
  });

  it('says what is left with its mark', async () => {
    const step = given('a', '${{ inputs.token }}') as Extract<Step, { kind: 'action' }>;
    const run = testRun([{ ...step, with: { ...step.with, fault: 'undo-fails' } }, set('b', { fault: 'fail' })], {
      runbook: { inputs },
      secrets: { token },
    });
    const ended = await run.carry();
    expect(ended?.remaining?.[0]?.step?.with).toMatchObject({ inputs: { note: '‹secret token›' } });
  });
});
