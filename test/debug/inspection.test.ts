import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Workspace } from '../runner/built';
import { Debugging, shown } from './client';

let at: Workspace;
let debug: Debugging;
let file: string;
let secret: string;
beforeAll(async () => {
  at = await Workspace.create();
  file = at.runbook(
    'values',
    `
- id: kernel
  uses: guest.run
  with: { vm: web1, argv: [echo, first], changes: false }
- id: each
  forEach: { vm: "\${{ inputs.vms }}" }
  steps:
    - id: say
      uses: guest.run
      with: { vm: "\${{ vm }}", argv: [echo, "\${{ inputs.word }}"], changes: false }
`,
    'inputs:\n  vms: { type: vms, default: [web1, web2] }\n  word: { type: string, default: hello }\n  count: { type: number, default: 2 }\n',
  );
  secret = at.runbook(
    'secret',
    `
- id: tell
  uses: guest.run
  with: { vm: web1, argv: [echo, "\${{ inputs.token }}"], changes: false }
- id: after
  wait: 1ms
`,
    'inputs:\n  token: { type: secret }\n',
  );
});
afterAll(() => at.remove());
beforeEach(() => at.resetLab());
afterEach(() => debug.close());

async function inLoop() {
  debug = await Debugging.start(at);
  await debug.launch({ runbook: file }, { breakpoints: { [file]: [16] } });
  return debug.stop();
}

describe('what can be looked at', () => {
  it('is the inputs, outputs, loop variables, the step, its targets as they are, and the run', async () => {
    const { frameId } = await inLoop();
    const scopes = await debug.scopes(frameId);
    expect(Object.keys(scopes)).toEqual(['Inputs', 'Outputs', 'Loop', 'With', 'Live', 'Run']);
    expect(shown(scopes.Inputs)).toEqual(['vms = (2) ["web1","web2"]', 'word = "hello"', 'count = 2']);
    expect(shown(scopes.Loop)).toEqual(expect.arrayContaining(['vm = "web1"', 'index = 0']));
    const [kernel] = scopes.Outputs ?? [];
    expect(shown(await debug.variables(kernel?.variablesReference ?? 0))).toContain('stdout = "first\\n"');
    expect(shown(scopes.With)).toEqual(expect.arrayContaining(['vm = "web1"', 'argv = (2) ["echo","hello"]']));
    const [web1] = scopes.Live ?? [];
    expect(web1?.name).toBe('web1');
    expect(shown(await debug.variables(web1?.variablesReference ?? 0))).toEqual(
      expect.arrayContaining(['state = "running"', 'host = "hv1"']),
    );
    expect(shown(scopes.Run)).toEqual(expect.arrayContaining([`id = "${debug.runId()}"`]));
  });

  it('is evaluated in CEL, in frames further out too', async () => {
    const stop = await inLoop();
    expect(await debug.evaluate('inputs.vms.filter(x, x != vm)', stop.frameId)).toBe('(1) ["web2"]');
    expect(await debug.evaluate('${{ steps.kernel.outputs.stdout }}', stop.frameId, 'hover')).toBe('"first\\n"');
    expect(await debug.evaluate('inputs.vms', stop.frameId, 'clipboard')).toBe('[\n  "web1",\n  "web2"\n]');
    await expect(debug.evaluate('nothing', stop.frameId)).rejects.toThrow(/nothing/);
    await expect(debug.dc.evaluateRequest({ expression: '1', context: 'repl' })).rejects.toThrow('Nothing stands');
    const { targets } = (await debug.dc.completionsRequest({ frameId: stop.frameId, text: 'inputs.', column: 8 })).body;
    expect(targets.map(one => one.label)).toEqual(expect.arrayContaining(['vms', 'word']));
  });

  it('pages long lists', async () => {
    const stop = await inLoop();
    const { body } = await debug.dc.evaluateRequest({
      expression: '["a", "b", "c", "d"].map(x, x + x)',
      frameId: stop.frameId,
    });
    expect(body.indexedVariables).toBe(4);
    const page = { variablesReference: body.variablesReference, filter: 'indexed' as const, start: 1, count: 2 };
    expect(shown((await debug.dc.variablesRequest(page)).body.variables)).toEqual(['1 = "bb"', '2 = "cc"']);
  });
});

it('says in its place why something can not be looked at, and elsewhere only of what was to be done', async () => {
  const { frameId } = await inLoop();
  await expect(debug.evaluate('nonsense +', frameId)).rejects.toThrow('nonsense +');
  await expect(debug.variables(999_999)).rejects.toThrow('The run has gone on since.');
  expect(debug.dc.shownErrors).toEqual([false, false]);
  const run = (await debug.dc.scopesRequest({ frameId })).body.scopes.find(one => one.name === 'Run');
  const set = { variablesReference: run?.variablesReference ?? 0, name: 'id', value: '"x"' };
  await expect(debug.dc.setVariableRequest(set)).rejects.toThrow("can't be changed");
  expect(debug.dc.shownErrors).toEqual([false, false, true]);
});

describe('what can be changed', () => {
  it('is an input, for all steps from here on', async () => {
    const { frameId, thread } = await inLoop();
    const scopes = (await debug.dc.scopesRequest({ frameId })).body.scopes;
    const inputs = scopes.find(one => one.name === 'Inputs')?.variablesReference ?? 0;
    const { value } = (
      await debug.dc.setVariableRequest({ variablesReference: inputs, name: 'word', value: '"changed"' })
    ).body;
    expect(value).toBe('"changed"');
    expect(await debug.evaluate('inputs.word', frameId)).toBe('"changed"');
    await debug.breakpoints(file, []);
    await debug.go('continue', thread);
    expect(await debug.end()).toBe(0);
    expect(debug.output('stdout')).toBe('first\nchanged\nchanged\n');
  });

  it('is an output, or a part of it, and nothing of the run itself', async () => {
    const { frameId } = await inLoop();
    const { value } = (
      await debug.dc.customRequest('setExpression', {
        expression: 'steps.kernel.outputs.stdout',
        value: '"other"',
        frameId,
      })
    ).body;
    expect(value).toBe('"other"');
    expect(await debug.evaluate('steps.kernel.outputs.stdout', frameId)).toBe('"other"');
    const scopes = (await debug.dc.scopesRequest({ frameId })).body.scopes;
    const run = scopes.find(one => one.name === 'Run')?.variablesReference ?? 0;
    await expect(debug.dc.setVariableRequest({ variablesReference: run, name: 'id', value: '"x"' })).rejects.toThrow(
      /can't be changed/,
    );
    const variables = await debug.variables(run);
    expect(variables[0]?.presentationHint?.attributes).toEqual(['readOnly']);
  });

  it('is refused when it does not fit the type', async () => {
    const { frameId } = await inLoop();
    const setting = debug.dc.customRequest('setExpression', { expression: 'inputs.count', value: 'many', frameId });
    await expect(setting).rejects.toThrow(/count/);
    expect(await debug.evaluate('inputs.count', frameId)).toBe('2');
  });
});

describe('secrets', () => {
  it('are struck from everything that a debugger shows', async () => {
    debug = await Debugging.start(at, { VIRTBOOK_SECRET_TOKEN: 'swordfish-9' });
    await debug.launch({ runbook: secret, stopOnEntry: true });
    const stop = await debug.stop();
    const scopes = await debug.scopes(stop.frameId);
    const evaluated = await debug.evaluate('inputs.token', stop.frameId).catch(error => String(error));
    await debug.go('next');
    const after = await debug.stop();
    const outputs = await debug.scopes(after.frameId);
    const tell = await debug.variables(outputs.Outputs?.[0]?.variablesReference ?? 0);
    await debug.go('continue');
    expect(await debug.end()).toBe(0);
    const all = JSON.stringify([scopes, evaluated, outputs, tell, debug.output()]);
    expect(all).toContain('‹secret token›');
    expect(all).not.toContain('swordfish');
    expect(readFileSync(at.journal(debug.runId()), 'utf8')).not.toContain('swordfish');
  });

  it('that nobody could give are asked for before anything begins', async () => {
    debug = await Debugging.start(at);
    await expect(debug.dc.launchRequest({ runbook: secret } as object)).rejects.toThrow('VIRTBOOK_SECRET_TOKEN');
  });
});
