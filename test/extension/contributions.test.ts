import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { tools as offered } from '../../src/mcp/tools';
import { commands, contextKeys, languages, mcpProvider, settings, tools, views } from '../../src/vscode/ids';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const texts: Record<string, string> = JSON.parse(readFileSync('package.nls.json', 'utf8'));
const source = readdirSync('src/vscode', { recursive: true, encoding: 'utf8' })
  .filter(file => file.endsWith('.ts'))
  .map(file => readFileSync(`src/vscode/${file}`, 'utf8'))
  .join('\n');
const { contributes } = manifest;

const idsOf = (list: { command?: string; id?: string }[]) => list.map(item => item.command ?? item.id ?? '').sort();

describe('contributions', () => {
  it('contributes exactly the commands that ids.ts names', () => {
    expect(idsOf(contributes.commands)).toEqual(Object.values(commands).sort());
  });

  it('registers every command exactly once', () => {
    for (const key of Object.keys(commands)) {
      const registrations = source.match(new RegExp(`register\\(\\s*commands\\.${key},`, 'g'))?.length;
      expect(registrations, `register(commands.${key}, …)`).toBe(1);
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
      else
        expect(['workbench.trust.manage', 'vscode.openFolder', 'workbench.actions.view.problems']).toContain(command);
    }
  });

  it('hides from the palette what needs a thing to act on', () => {
    const hidden = contributes.menus.commandPalette.map((item: { command: string }) => item.command);
    const ofAll = /\.runs\.(refresh|pick|filter|clearFilter|removeOld)$/;
    const needTarget = Object.values(commands).filter(id => /\.(vm|runs)\./.test(id) && !ofAll.test(id));
    for (const id of [...needTarget, commands.runStep, commands.runFrom, commands.retryConnection, commands.showMore])
      expect(hidden).toContain(id);
  });

  it('lets nothing that runs or connects be enabled in an untrusted workspace', () => {
    const acts =
      /\.(run|debug|runStep|runFrom|rehearse)$|\.vm\.|\.(refresh|retry|cancel|rollBack|resume|answer|approve|reject)$/;
    for (const { command, enablement } of contributes.commands as { command: string; enablement?: string }[]) {
      // These only read what is here.
      const reads: string[] = [commands.refreshRuns, commands.refreshRunbooks];
      if (acts.test(command) && !reads.includes(command)) expect(enablement, command).toContain('isWorkspaceTrusted');
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
    for (const key of whens.match(/virtbook\.\w+(State|Filtered)/g) ?? [])
      expect(Object.values(contextKeys)).toContain(key);
  });

  it('has a text for every key and a use for every text', () => {
    const used = [...JSON.stringify(manifest).matchAll(/"%([\w.]+)%"/g)].map(match => match[1]!);
    expect([...new Set(used)].sort()).toEqual(Object.keys(texts).sort());
  });

  it('gives keys only to commands of ours, and only where they mean something', () => {
    for (const { command, when } of contributes.keybindings as { command: string; when?: string }[]) {
      expect(Object.values(commands)).toContain(command);
      expect(when, command).toMatch(/focusedView|editorLangId|resourceLangId|editorTextFocus|debugType/);
    }
  });

  it('has a welcome view for every state in which runs and runbooks are empty', () => {
    const whens = contributes.viewsWelcome.map((item: { when: string }) => item.when).join('\n');
    for (const state of [
      'runsState == none',
      'runsState == failed',
      'runbooksState == none',
      'runbooksState == failed',
    ])
      expect(whens).toContain(`virtbook.${state}`);
  });

  it('has a welcome view for every state in which the inventory is empty', () => {
    const whens = contributes.viewsWelcome.map((item: { when: string }) => item.when).join('\n');
    for (const state of ['none', 'ambiguous', 'invalid', 'noConnections', 'failed'])
      expect(whens).toContain(`virtbook.inventoryState == ${state}`);
    expect(whens).toContain('!isWorkspaceTrusted');
  });

  it('contributes exactly the tools that are registered, with the schemas and descriptions that `virtbook mcp` has too', () => {
    const contributed = contributes.languageModelTools as {
      name: string;
      modelDescription: string;
      inputSchema: object;
    }[];
    expect(contributed.map(tool => tool.name)).toEqual(Object.values(tools));
    for (const { name, description, inputSchema } of Object.values(offered)) {
      const found = contributed.find(tool => tool.name === name);
      expect(found?.modelDescription, name).toBe(description);
      expect(found?.inputSchema, name).toEqual(JSON.parse(JSON.stringify(inputSchema)));
    }
    expect(Object.values(offered).map(tool => tool.name)).not.toContain(tools.run);
    expect(contributed.find(tool => tool.name === tools.run)?.inputSchema).toEqual(
      JSON.parse(JSON.stringify(offered.plan.inputSchema)),
    );
    expect(idsOf(contributes.mcpServerDefinitionProviders)).toEqual([mcpProvider]);
  });

  it('registers every debugger, breakpoint language and task type that it contributes', () => {
    for (const { type } of contributes.debuggers as { type: string }[]) {
      expect(manifest.activationEvents).toContain(`onDebugResolve:${type}`);
      expect(source).toMatch(/registerDebugAdapterDescriptorFactory\(/);
      expect(source).toMatch(/registerDebugConfigurationProvider\(/);
      expect(source).toContain(`'${type}'`);
    }
    for (const { language } of contributes.breakpoints as { language: string }[])
      expect(Object.values(languages)).toContain(language);
    for (const { type } of contributes.taskDefinitions as { type: string }[]) {
      expect(manifest.activationEvents).toContain(`onTaskType:${type}`);
      expect(source).toMatch(/registerTaskProvider\(/);
    }
  });

  it('registers every view, sets every context key and reads every setting that ids.ts names, and names all that are used', () => {
    for (const key of Object.keys(views)) expect(source, key).toMatch(new RegExp(`views\\.${key}\\b`));
    for (const key of Object.keys(contextKeys)) expect(source, key).toMatch(new RegExp(`contextKeys\\.${key}\\b`));
    const { section, ...names } = settings;
    for (const name of Object.keys(names)) {
      expect(source.split(new RegExp(`\\b${name}\\b`)).length, `${section}.${name} is read`).toBeGreaterThan(2);
    }
    expect(source, 'a setting is read by a name that ids.ts does not have').not.toMatch(
      /getConfiguration\(\s*['"]virtbook/,
    );
    const keys = JSON.stringify(contributes).match(/virtbook\.in[A-Z]\w+/g) ?? [];
    for (const key of keys.filter(one => !one.includes('inventory'))) expect(Object.values(contextKeys)).toContain(key);
  });

  it('has every file that the walkthrough shows, and waits only for what can happen', () => {
    for (const { steps } of contributes.walkthroughs as {
      steps: { id: string; media: { markdown?: string; image?: string }; completionEvents?: string[] }[];
    }[]) {
      expect(new Set(steps.map(step => step.id)).size).toBe(steps.length);
      for (const { media, completionEvents = [] } of steps) {
        expect(existsSync(media.markdown ?? media.image ?? ''), media.markdown).toBe(true);
        for (const event of completionEvents) {
          const [kind, id] = event.split(':');
          if (kind === 'onCommand')
            expect([...Object.values(commands), 'editor.action.quickFix', 'workbench.actions.view.problems']).toContain(
              id,
            );
          else if (kind === 'onView') expect(Object.values(views)).toContain(id);
          else expect(['onContext', 'onSettingChanged', 'onLink', 'onStepSelected']).toContain(kind);
        }
      }
    }
  });

  it('has each text of the code in the bundle that translations are made from', () => {
    const bundle = Object.keys(JSON.parse(readFileSync('l10n/bundle.l10n.json', 'utf8')));
    expect(manifest.l10n).toBe('./l10n');
    for (const [, text] of source.matchAll(/l10n\.t\(\s*'((?:[^'\\]|\\.)*)'/g))
      expect(bundle).toContain(text!.replaceAll("\\'", "'").replaceAll('\\n', '\n'));
    expect(bundle.length).toBeGreaterThan(50);
  });
});
