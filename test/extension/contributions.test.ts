import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { commands, contextKeys, languages, settings, views } from '../../src/vscode/ids';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const texts: Record<string, string> = JSON.parse(readFileSync('package.nls.json', 'utf8'));
const source = readFileSync('src/vscode/extension.ts', 'utf8');
const { contributes } = manifest;

const idsOf = (list: { command?: string; id?: string }[]) => list.map(item => item.command ?? item.id ?? '').sort();

describe('contributions', () => {
  it('contributes exactly the commands that ids.ts names', () => {
    expect(idsOf(contributes.commands)).toEqual(Object.values(commands).sort());
  });

  it('registers every command exactly once', () => {
    for (const key of Object.keys(commands)) {
      const registrations = source.match(new RegExp(`register\\(\\s*commands\\.${key},`, 'g'))?.length;
      expect(registrations, `register(commands.${key}, …) in extension.ts`).toBe(1);
    }
  });

  it('names only commands of ours, or of VS Code, in menus and welcome views', () => {
    const known = new Set<string>([...Object.values(commands), 'virtbook.inventory.focus']);
    const menus = Object.values(contributes.menus).flat() as { command: string }[];
    for (const { command } of menus) expect(known, command).toContain(command);
    const linked = Object.values(texts).flatMap(text =>
      [...text.matchAll(/\(command:([\w.]+)\)/g)].map(match => match[1]),
    );
    for (const command of linked) {
      if (command?.startsWith('virtbook.')) expect(known, command).toContain(command);
      else expect(['workbench.trust.manage', 'vscode.openFolder']).toContain(command);
    }
  });

  it('hides from the palette what needs a thing to act on', () => {
    const hidden = contributes.menus.commandPalette.map((item: { command: string }) => item.command);
    const needTarget = Object.values(commands).filter(id => /\.(vm|runs)\./.test(id) && id !== commands.refreshRuns);
    for (const id of [...needTarget, commands.runStep, commands.runFrom, commands.retryConnection])
      expect(hidden).toContain(id);
  });

  it('lets nothing that runs or connects be enabled in an untrusted workspace', () => {
    const acts =
      /\.(run|runStep|runFrom|rehearse)$|\.vm\.|\.(refresh|retry|cancel|rollBack|resume|answer|approve|reject)$/;
    for (const { command, enablement } of contributes.commands as { command: string; enablement?: string }[]) {
      if (acts.test(command) && command !== commands.refreshRuns)
        expect(enablement, command).toContain('isWorkspaceTrusted');
    }
    expect(manifest.capabilities.untrustedWorkspaces.supported).toBe('limited');
  });

  it('agrees on views, languages, settings and context keys', () => {
    expect(idsOf(contributes.views.virtbook)).toEqual(Object.values(views).sort());
    expect(idsOf(contributes.languages)).toEqual(Object.values(languages).sort());
    const { section, ...names } = settings;
    expect(Object.keys(contributes.configuration.properties)).toEqual(
      Object.values(names).map(name => `${section}.${name}`),
    );
    const whens = JSON.stringify([contributes.viewsWelcome, contributes.menus]);
    for (const key of whens.match(/virtbook\.\w+State/g) ?? []) expect(Object.values(contextKeys)).toContain(key);
  });

  it('has a text for every key and a use for every text', () => {
    const used = [...JSON.stringify(manifest).matchAll(/"%([\w.]+)%"/g)].map(match => match[1]!);
    expect([...new Set(used)].sort()).toEqual(Object.keys(texts).sort());
  });

  it('has a welcome view for every state in which the inventory is empty', () => {
    const whens = contributes.viewsWelcome.map((item: { when: string }) => item.when).join('\n');
    for (const state of ['none', 'ambiguous', 'invalid', 'noConnections', 'failed'])
      expect(whens).toContain(`virtbook.inventoryState == ${state}`);
    expect(whens).toContain('!isWorkspaceTrusted');
  });
});
