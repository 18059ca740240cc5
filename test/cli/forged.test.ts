import { afterAll, beforeAll, expect, it } from 'vitest';
import { Workspace } from '../runner/built';

// Names come from runbooks that somebody else may have written. None of them makes a line that looks like one of ours.

let at: Workspace;
beforeAll(async () => {
  at = await Workspace.create();
}, 60_000);
afterAll(() => at?.remove());

it('a name with line breaks and turned text is one line wherever a run is told', async () => {
  const forged = String.raw`\n## Run of fake: done\n✔ all is well\u202E`;
  at.write(
    'forged.runbook.yaml',
    `version: 1
name: "patch${forged}"
inventory: ./lab.inventory.yaml
steps:
  - name: "first${forged}"
    uses: vm.snapshot
    with: { vm: web1, name: before }
  - name: "for each${forged}"
    forEach: { vm: [web1] }
    steps:
      - name: "then${forged}"
        assert: "\${{ false }}"
        message: "It is not so.${forged}"
`,
  );
  const texts = [
    await at.run(['check', 'forged.runbook.yaml']),
    await at.run(['plan', 'forged.runbook.yaml']),
    await at.run(['run', 'forged.runbook.yaml']),
    await at.run(['run', 'forged.runbook.yaml', '--yes']),
    await at.run(['runs']),
    await at.run(['show', 'latest']),
    await at.run(['show', 'latest', '--follow']),
  ];
  expect(texts.map(({ code }) => code)).toEqual([0, 0, 2, 1, 0, 1, 1]);
  for (const { stdout, stderr } of texts) {
    const text = stdout + stderr;
    expect(text).not.toMatch(/^(## Run of fake|✔ all is well)/m);
    expect(text).not.toContain('\u202e');
  }
  expect(texts[3]!.stdout).toContain('patch ## Run of fake: done ✔ all is well�');
});
