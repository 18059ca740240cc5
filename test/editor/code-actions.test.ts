import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { type CodeAction, type Diagnostic, DiagnosticSeverity } from 'vscode-languageserver-types';
import { actions } from '../../src/actions/catalogue';
import { codeActions, fixAllKind } from '../../src/editor/code-actions';
import type { EditorConfig } from '../../src/editor/config';
import { validate } from '../../src/editor/validate';
import { parseInventory } from '../../src/inventory/file';
import { knownNames } from '../../src/inventory/names';
import { parseRunbook } from '../../src/runbook/parse';
import { type Rule, rules } from '../../src/runbook/rules';
import { withCursor } from './cursor';

const { inventory } = parseInventory(readFileSync('examples/lab.inventory.yaml', 'utf8'));
const config: EditorConfig = {
  actions,
  inventory: knownNames(inventory!, { hosts: { lab: ['hv1', 'hv2', 'hv3'] }, vms: Object.keys(inventory!.vms) }),
  runbooks: path =>
    path === 'part.runbook.yaml'
      ? parseRunbook(
          'version: 1\nname: Part\ninputs:\n  vm: { type: vm }\n  count: { type: number }\n  words: { type: list }\n  vms: { type: vms }\nsteps:\n  - uses: check.guest\n    with: { vm: "${{ inputs.vm }}", agent: true, interval: "${{ inputs.count }}" }\n    when: inputs.words == inputs.vms\n',
        )
      : null,
};

function applied(document: TextDocument, action: CodeAction): string {
  return TextDocument.applyEdits(document, action.edit!.changes![document.uri]!);
}

const head = 'version: 1\nname: Sample\n';
const whole = (steps: string) =>
  /^version/m.test(steps) ? steps : `${head}steps:\n${steps.replace(/^(?=.)/gm, '  ')}\n`;
const bare = (text: string) => text.slice(`${head}steps:\n`.length).replace(/^ {2}/gm, '').trimEnd();

/** What is offered where the cursor is: each title with the text that it makes of the sample. Problems of the cursor's line count. */
function offered(sample: string, kinds = /^(quickfix|refactor)/): Record<string, string> {
  const { document, offset } = withCursor(whole(sample));
  const at = document.positionAt(offset);
  const here = validate(document, config).filter(({ range }) => range.start.line === at.line);
  const found = codeActions(document, { start: at, end: at }, here, config).filter(({ kind }) =>
    kinds.test(kind ?? ''),
  );
  return Object.fromEntries(
    found.map(action => [
      action.title,
      /^version/m.test(sample) ? applied(document, action) : bare(applied(document, action)),
    ]),
  );
}

const quick = (sample: string) => offered(sample, /^quickfix/);

describe('fixes of the structure', () => {
  test('one fix of several problems is offered once, for all of them', () => {
    const { document, offset } = withCursor(whole('- uses: vm.migrate\n  with: {| }'));
    const at = document.positionAt(offset);
    const problems = validate(document, config).filter(({ code }) => code === 'missing-key');
    expect(problems).toHaveLength(2);
    const found = codeActions(document, { start: at, end: at }, problems, config);
    const fixes = found.filter(({ kind }) => kind === 'quickfix');
    expect(fixes.map(({ title }) => title)).toEqual(['Add `vm`, `to`']);
    expect(fixes[0]!.diagnostics).toEqual(problems);
  });
  test('what keeps the file from being run is not offered to be ignored', () => {
    for (const sample of ['- uses: vm.start\n  wi|th: {}', '- uses: vm.start\n  w|th: { vm: web1 }', '- na|me: x'])
      expect(Object.keys(quick(sample)).filter(title => title.startsWith('Ignore'))).toEqual([]);
    expect(Object.keys(quick('- uses: vm.start\n  with: { vm: we|b7 }'))).toContain('Ignore `unknown-vm` on this line');
  });
  test('did you mean', () => {
    expect(quick('- uses: vm.migr|at\n  with: { vm: web1, to: hv2 }')['Change to `vm.migrate`']).toBe(
      '- uses: vm.migrate\n  with: { vm: web1, to: hv2 }',
    );
  });

  test('a runbook that is named without its path, a zone, and an output that may not be there', () => {
    expect(quick('- uses: parts\\a.run|book.yaml')['Change to `./parts/a.runbook.yaml`']).toBe(
      '- uses: ./parts/a.runbook.yaml',
    );
    const zoned = (zone: string) => `${head}steps:\n  - wait: 1m\nwindow: { allow: 22:00-04:00, zone: ${zone} }\n`;
    expect(quick(zoned('Lond|on'))['Change to `Europe/London`']).toBe(zoned('Europe/London'));
    const unsure = (member: string) =>
      `${head}steps:\n  - id: a\n    uses: guest.patch\n    with: { vm: web1 }\nfinally:\n  - wait: 1m\n    when: size(steps.a.outputs.${member}) > 0\n`;
    const title = 'Change to `?upgraded.orValue([])`';
    expect(quick(unsure('upgra|ded'))[title]).toBe(unsure('?upgraded.orValue([])'));
    expect(quick(unsure('?upgraded.orVa|lue([])'))).toEqual({});
  });

  test('all missing inputs at once, with values of their kind', () => {
    expect(quick('- uses: backup.im|age')['Add `vm`, `proxy`']).toMatchInlineSnapshot(`
      "- uses: backup.image
        with: { vm: web1, proxy: backup1 }"
    `);
    expect(
      quick('- uses: guest.run\n  wi|th:\n    via: ssh # by hand\n- wait: 1m')['Add `vm`, `argv`'],
    ).toMatchInlineSnapshot(`
      "- uses: guest.run
        with:
          via: ssh # by hand
          vm: web1
          argv: ["true"]
      - wait: 1m"
    `);
    expect(quick('- uses: vm.migrate\n  wi|th: { bandwidth: 5 }')['Add `vm`, `to`']).toMatchInlineSnapshot(`
      "- uses: vm.migrate
        with: { bandwidth: 5, vm: web1, to: hv1 }"
    `);
    expect(quick('- uses: vm.migrate\n  wi|th:\n- wait: 1m')['Add `vm`, `to`']).toMatchInlineSnapshot(`
      "- uses: vm.migrate
        with:
          vm: web1
          to: hv1
      - wait: 1m"
    `);
  });

  test('the item of the loop around and inputs come first', () => {
    const sample = `version: 1
name: x
inputs:
  all: { type: vms, default: [web1] }
  where: { type: host, default: hv2 }
steps:
  - forEach: { each: "\${{ inputs.all }}" }
    steps:
      - uses: vm.mig|rate
        name: To \${{ inputs.where }}
`;
    expect(quick(sample)['Add `vm`, `to`']).toMatchInlineSnapshot(`
      "version: 1
      name: x
      inputs:
        all: { type: vms, default: [web1] }
        where: { type: host, default: hv2 }
      steps:
        - forEach: { each: "\${{ inputs.all }}" }
          steps:
            - uses: vm.migrate
              name: To \${{ inputs.where }}
              with: { vm: "\${{ each }}", to: "\${{ inputs.where }}" }
      "
    `);
  });

  test('inputs of a called runbook', () => {
    expect(
      quick('- uses: ./part.run|book.yaml\n  with: { count: 3 }')['Add `vm`, `words`, `vms`'],
    ).toMatchInlineSnapshot(`
      "- uses: ./part.runbook.yaml
        with: { count: 3, vm: web1, words: [], vms: [web1] }"
    `);
  });

  test('an unknown key goes with its value, in flow and in block style', () => {
    expect(
      quick('- uses: vm.start\n  with: { vm: web1, col|our: [red, blue], waitForGuest: 5 }')['Remove `colour`'],
    ).toBe('- uses: vm.start\n  with: { vm: web1, waitForGuest: 5 }');
    expect(quick('- uses: vm.start\n  with: { vm: web1, col|our: red }')['Remove `colour`']).toBe(
      '- uses: vm.start\n  with: { vm: web1 }',
    );
    expect(quick('- colo|ur:\n    - red\n  # which\n  uses: vm.start\n  with: { vm: web1 }')['Remove `colour`']).toBe(
      undefined,
    );
    expect(quick('- colo|ur:\n    - red\n  uses: vm.start\n  with: { vm: web1 }')['Remove `colour`']).toBe(
      '- uses: vm.start\n  with: { vm: web1 }',
    );
    expect(
      quick('- uses: vm.start\n  # of the server\n  col|our: red # really\n  with: { vm: web1 }')['Remove `colour`'],
    ).toBe('- uses: vm.start\n  # of the server\n  with: { vm: web1 }');
  });

  test('text that is none, and an id that is taken', () => {
    expect(
      quick('- uses: guest.run\n  with: { vm: web1, argv: [echo, 1|2], changes: false }')['Change to `"12"`'],
    ).toBe('- uses: guest.run\n  with: { vm: web1, argv: [echo, "12"], changes: false }');
    expect(quick('- id: a\n  wait: 1m\n- id: |a\n  wait: 1m')['Change to `a-2`']).toBe(
      '- id: a\n  wait: 1m\n- id: a-2\n  wait: 1m',
    );
  });

  test('an input that is not there, and one that nothing uses', () => {
    expect(quick('- uses: vm.start\n  with: { vm: "${{ inputs.wh|ich }}" }')).toHaveProperty('Add the input `which`');
    const made = offered(`${head}steps:\n  - uses: vm.start\n    with: { vm: "\${{ inputs.wh|ich }}" }\n`);
    expect(made['Add the input `which`']).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      inputs:
        which: { type: vm }

      steps:
        - uses: vm.start
          with: { vm: "\${{ inputs.which }}" }
      "
    `);
    const unused = `${head}inputs:\n  a: { type: string, default: x } # one\n  |b: { type: string, default: y }\nsteps:\n  - wait: \${{ inputs.a }}\n`;
    expect(quick(unused)['Remove the input `b`']).toBe(
      `${head}inputs:\n  a: { type: string, default: x } # one\nsteps:\n  - wait: \${{ inputs.a }}\n`,
    );
    expect(
      quick(`${head}inputs:\n  |b: { type: string, default: y }\nsteps:\n  - wait: 1m\n`)['Remove the input `b`'],
    ).toBe(`${head}steps:\n  - wait: 1m\n`);
  });

  test('a list where one VM is wanted becomes a loop', () => {
    expect(
      quick('# both\n- uses: vm.start\n  with:\n    v|m: [web1, web2] # in turn\n- wait: 1m')['Loop over these VMs'],
    ).toMatchInlineSnapshot(`
      "- forEach: { vm: [web1, web2] }
        steps:
          # both
          - uses: vm.start
            with:
              vm: "\${{ vm }}" # in turn
      - wait: 1m"
    `);
  });

  test('the first lines of a file', () => {
    const document = TextDocument.create('file:///a.runbook.yaml', '', 1, '# mine\nname: x\nsteps:\n  - wait: 1m\n');
    const found = validate(document, config);
    const [add] = codeActions(document, found[0]!.range, found, config);
    expect(applied(document, add!)).toBe('version: 1\n# mine\nname: x\nsteps:\n  - wait: 1m\n');
  });
});

describe('fixes of operations', () => {
  test('a snapshot that is in the way is deleted first, by its name or by its step', () => {
    const title = 'Delete the snapshot before it';
    expect(
      quick(
        '- uses: vm.snapshot\n  with: { vm: web1, name: old }\n# now move\n- uses: vm.mi|grate\n  with: { vm: web1, to: hv2 }',
      )[title],
    ).toMatchInlineSnapshot(`
      "- uses: vm.snapshot
        with: { vm: web1, name: old }
      - uses: vm.snapshot.delete
        with: { vm: web1, snapshot: old }
      # now move
      - uses: vm.migrate
        with: { vm: web1, to: hv2 }"
    `);
    expect(
      quick('- uses: vm.snapshot\n  with: { vm: web1 }\n- uses: vm.mi|grate\n  with: { vm: web1, to: hv2 }')[title],
    ).toMatchInlineSnapshot(`
      "- uses: vm.snapshot
        with: { vm: web1 }
        id: snapshot
      - uses: vm.snapshot.delete
        with: { vm: web1, snapshot: "\${{ steps.snapshot.outputs.snapshot }}" }
      - uses: vm.migrate
        with: { vm: web1, to: hv2 }"
    `);
  });

  test('a patch that keeps a snapshot: a point of no return, or no snapshot', () => {
    const found = quick(
      '- id: patch\n  uses: guest.patch\n  with:\n    vm: web1\n- uses: check.guest\n  with: { vm: web1, agent: true }\n- uses: vm.mi|grate\n  with: { vm: web1, to: hv2 }',
    );
    expect(found['Set a `pointOfNoReturn` before it']).toMatchInlineSnapshot(`
      "- id: patch
        uses: guest.patch
        with:
          vm: web1
      - uses: check.guest
        with: { vm: web1, agent: true }
      - pointOfNoReturn: What was done up to here is not taken back any more.
      - uses: vm.migrate
        with: { vm: web1, to: hv2 }"
    `);
    expect(found['Patch without a snapshot']).toMatchInlineSnapshot(`
      "- id: patch
        uses: guest.patch
        with:
          vm: web1
          snapshot: false
      - uses: check.guest
        with: { vm: web1, agent: true }
      - uses: vm.migrate
        with: { vm: web1, to: hv2 }"
    `);
  });

  test('a check behind a patch, and an undo that is well known', () => {
    expect(
      quick(
        '- forEach: { vm: [web1, web2], canary: 1 }\n  steps:\n    - uses: guest.pa|tch # all of it\n      with: { vm: "${{ vm }}" }',
      )['Add a check behind it'],
    ).toMatchInlineSnapshot(`
      "- forEach: { vm: [web1, web2], canary: 1 }
        steps:
          - uses: guest.patch # all of it
            with: { vm: "\${{ vm }}" }
          - uses: check.guest
            with: { vm: "\${{ vm }}", agent: true, timeout: 120 }"
    `);
    const step = (rest: string) =>
      `- uses: guest.r|un\n  with: { vm: web1, argv: [${rest}] }\n- wait: 1m\n- assert: "true"`;
    expect(quick(step('systemctl, stop, nginx'))['Add `undo: [systemctl, start, nginx]`']).toMatchInlineSnapshot(`
      "- uses: guest.run
        with: { vm: web1, argv: [systemctl, stop, nginx], undo: [systemctl, start, nginx] }
      - wait: 1m
      - assert: "true""
    `);
    expect(Object.keys(quick(step('reboot')))).toEqual([
      'It may stay: add `rollback: none`',
      'Ignore `missing-undo` on this line',
      'Ignore `missing-undo` in this file',
    ]);
  });

  test('branches one after another, and a deletion behind the check', () => {
    expect(
      quick(rules['migrate-during-backup'].bad.replace('vm.migrate', 'vm.mi|grate'))[
        'Do the branches one after another'
      ],
    ).toMatchInlineSnapshot(`
      "- steps:
          - uses: backup.image
            with: { vm: web1, proxy: backup1 }
          - uses: vm.migrate
            with: { vm: web1, to: hv2 }"
    `);
    expect(
      quick(`${rules['deleted-before-check'].bad.replace('snapshot.delete', 'snapshot.de|lete')}\n- wait: 1m`)[
        'Delete it after the check'
      ],
    ).toMatchInlineSnapshot(`
      "- uses: vm.snapshot
        with: { vm: web1, name: before }
      - uses: guest.run
        with: { vm: web1, argv: [upgrade-shop], undo: [downgrade-shop] }
      - uses: check.guest
        with: { vm: web1, systemd: [nginx] }
      - uses: vm.snapshot.delete
        with: { vm: web1, snapshot: before }
      - wait: 1m"
    `);
  });
});

describe('suppressing', () => {
  const sample = '- uses: vm.start\n  with: { vm: "${{ inputs.|a }}" }';
  test('on a line, with its indentation, and joined to what is ignored there already', () => {
    expect(quick(sample)['Ignore `unknown-input` on this line']).toBe(
      '- uses: vm.start\n  # virtbook-ignore: unknown-input\n  with: { vm: "${{ inputs.a }}" }',
    );
    expect(
      quick('- uses: vm.start\n  # virtbook-ignore: unknown-vm\n  with: { vm: "${{ inputs.|a }}" }')[
        'Ignore `unknown-input` on this line'
      ],
    ).toBe('- uses: vm.start\n  # virtbook-ignore: unknown-vm, unknown-input\n  with: { vm: "${{ inputs.a }}" }');
  });
  test('in the file', () => {
    const text = `${head}steps:\n  - wait: \${{ inputs.|a }}\n`;
    expect(quick(text)['Ignore `unknown-input` in this file']).toBe(
      `# virtbook-ignore-file: unknown-input\n${text.replace('|', '')}`,
    );
    expect(quick(`# virtbook-ignore-file: unknown-vm\n${text}`)['Ignore `unknown-input` in this file']).toBe(
      `# virtbook-ignore-file: unknown-vm, unknown-input\n${text.replace('|', '')}`,
    );
  });
  test('not within text over several lines, where a comment would be part of it', () => {
    const text = '- assert: "true"\n  message: ¦\n    one\n    ${{ inputs.|a }}';
    expect(Object.keys(quick(text))).toEqual(['Add the input `a`', 'Ignore `unknown-input` in this file']);
  });
  test('what ignores nothing is removed, alone or all at once', () => {
    const text =
      '# virtbook-ignore: |unknown-vm\n- wait: 1m # virtbook-ignore: unknown-host\n# virtbook-ignore: unknown-vm, unknown-tag\n- wait: 2m';
    expect(quick(text)['Remove what ignores nothing']).toBe(
      '- wait: 1m # virtbook-ignore: unknown-host\n# virtbook-ignore: unknown-vm, unknown-tag\n- wait: 2m',
    );
    expect(offered(text, new RegExp(fixAllKind))).toMatchInlineSnapshot(`
      {
        "Fix all 3 of \`unused-ignore\`": "- wait: 1m
      # virtbook-ignore: unknown-tag
      - wait: 2m",
      }
    `);
  });
});

describe('rewriting', () => {
  test('a snapshot around a step, behind the check that follows', () => {
    expect(
      offered(
        '# the upgrade\n- id: up\n  uses: guest.r|un\n  with: { vm: "${{ inputs.vm }}", argv: [upgrade] }\n- uses: check.guest\n  with: { vm: web1, agent: true }\n- wait: 1m',
      )['Take a snapshot around it'],
    ).toMatchInlineSnapshot(`
      "- uses: vm.snapshot
        with: { vm: "\${{ inputs.vm }}", name: before-up }
      # the upgrade
      - id: up
        uses: guest.run
        with: { vm: "\${{ inputs.vm }}", argv: [upgrade] }
        rollback:
          - uses: vm.revert
            with: { vm: "\${{ inputs.vm }}", snapshot: before-up }
      - uses: check.guest
        with: { vm: web1, agent: true }
      - uses: vm.snapshot.delete
        with: { vm: "\${{ inputs.vm }}", snapshot: before-up }
      - wait: 1m"
    `);
  });
  test('an approval, a point of no return, a check, a canary', () => {
    const found = offered(
      '- forEach: { vm: [we|b1, web2] } # both\n  steps:\n    - uses: vm.start\n      with: { vm: "${{ vm }}" }',
    );
    expect(found['Let one item go first (`canary`)']).toMatchInlineSnapshot(`
      "- forEach: { vm: [web1, web2], canary: 1 } # both
        steps:
          - uses: vm.start
            with: { vm: "\${{ vm }}" }"
    `);
    expect(found['Insert an approval before']).toMatchInlineSnapshot(`
      "- approve: { message: "Go on with what follows?" }
      - forEach: { vm: [web1, web2] } # both
        steps:
          - uses: vm.start
            with: { vm: "\${{ vm }}" }"
    `);
    expect(found['Insert a `pointOfNoReturn` before']).toMatchInlineSnapshot(`
      "- pointOfNoReturn: What was done up to here is not taken back any more.
      - forEach: { vm: [web1, web2] } # both
        steps:
          - uses: vm.start
            with: { vm: "\${{ vm }}" }"
    `);
    const inner = offered('- steps:\n    - uses: vm.st|art\n      with:\n        vm: web1');
    expect(inner['Insert a check behind']).toMatchInlineSnapshot(`
      "- steps:
          - uses: vm.start
            with:
              vm: web1
          - uses: check.guest
            with: { vm: web1, agent: true, timeout: 120 }"
    `);
    expect(inner).not.toHaveProperty('Insert a `pointOfNoReturn` before');
  });
  test('steps that differ in their VM only become a loop', () => {
    const steps =
      '# first\n- uses: vm.st|art\n  with:\n    vm: web1\n    waitForGuest: 5\n- uses: vm.start\n  with: { vm: web1 }';
    expect(offered(steps)['Put it in a loop (`forEach`)']).toMatchInlineSnapshot(`
      "- forEach: { vm: [web1] }
        steps:
          # first
          - uses: vm.start
            with:
              vm: "\${{ vm }}"
              waitForGuest: 5
      - uses: vm.start
        with: { vm: web1 }"
    `);
    const several = ['web1', 'web2', 'web3']
      .map(vm => `- uses: vm.start\n  with: { vm: ${vm}, waitForGuest: 5 }`)
      .join('\n');
    expect(
      offered(`${several.replace('vm.start', 'vm.st|art')}\n- wait: 1m`)['Make one loop of these 3 steps'],
    ).toMatchInlineSnapshot(`
      "- forEach: { vm: [web1, web2, web3] }
        steps:
          - uses: vm.start
            with: { vm: "\${{ vm }}", waitForGuest: 5 }
      - wait: 1m"
    `);
  });
  test('a value becomes an input', () => {
    const text = (value: string) =>
      `${head}inputs:\n  # given\n  vm: { type: vm }\nsteps:\n  - uses: vm.start\n    with: ${value}\n`;
    expect(offered(text('{ vm: we|b1, waitForGuest: 60 }'))['Make it the input `vm2`']).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      inputs:
        # given
        vm: { type: vm }
        vm2: { type: vm, default: web1 }
      steps:
        - uses: vm.start
          with: { vm: "\${{ inputs.vm2 }}", waitForGuest: 60 }
      "
    `);
    expect(
      offered(text('\n      vm: web1\n      waitForGuest: 6|0 # seconds'))['Make it the input `waitForGuest`'],
    ).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      inputs:
        # given
        vm: { type: vm }
        waitForGuest: { type: number, default: 60 }
      steps:
        - uses: vm.start
          with: 
            vm: web1
            waitForGuest: \${{ inputs.waitForGuest }} # seconds
      "
    `);
    expect(offered('- uses: guest.run\n  with: { vm: web1, argv: [una|me, -r] }')).not.toHaveProperty(
      'Make it the input `vm`',
    );
  });
  test('steps in [ ] are left as they are', () => {
    expect(offered('- steps: [{ uses: vm.st|art, with: { vm: web1 } }]')).toEqual({});
    expect(Object.keys(offered('- steps: [{ uses: vm.start, with: { vm: we|b1 } }]'))).toEqual([
      'Make it the input `vm`',
    ]);
  });
});

/** Texts with problems that have fixes. */
const corpus: string[] = [
  ...Object.values(rules as Record<string, Rule>).flatMap(({ bad }) =>
    bad === undefined ? [] : [bad.startsWith('- ') ? whole(bad) : `${head}${bad}\n`],
  ),
  ...[
    '- uses: vm.strat\n  with: { vm: web1 }',
    '- uses: vm.start\n  with: { vm: wbe1 }',
    '- uses: vm.start\n  wiht: { vm: web1 }',
    '- uses: vm.migrate',
    '- uses: vm.migrate\n  with: { vm: web1 }',
    '- uses: vm.migrate\n  with:\n    vm: web1',
    '- uses: backup.image\n  with: {}',
    '- { uses: vm.migrate }',
    '- { uses: vm.start, with: { vm: web1, x: 1 } }',
    '- uses: ./part.runbook.yaml\n  with: { vm: web1 }',
    '- uses: ./part.runbook.yaml',
    '- uses: guest.run\n  with: { vm: web1, argv: [echo, 5, true], changes: false }',
    '- uses: vm.start\n  with: { vm: [web1, web2] }',
    '- uses: vm.start\n  with: { vm: "${{ inputs.which }}" }',
    '- forEach: { vm: "${{ inputs.which }}" }\n  steps:\n    - uses: vm.start\n      with: { vm: "${{ vm }}" }',
    '- id: a\n  wait: 1m\n- id: a\n  wait: 1m',
    '- forEach: { vm: [web1, web2], canary: 2 }\n  steps:\n    - uses: vm.start\n      with: { vm: "${{ vm }}" }',
    '- uses: vm.snapshot\n  with: { vm: web1 }\n  retry: { attempts: 2, delay: 1s }',
    '- wait: 5 minutes # virtbook-ignore: unknown-vm',
    '# virtbook-ignore: unknown-vm, unknown-host\n- wait: 1m',
    '- forEach: { vm: [web1, web2], batch: 2 }\n  steps:\n    - uses: vm.snapshot\n      with: { vm: db1 }',
    '- uses: guest.run\n  with:\n    vm: web1\n    argv: [touch, /run/x]\n- uses: check.guest\n  with: { vm: web1, agent: true }',
    '- uses: guest.patch\n  with: { vm: web1 }\n- assert: "true"\n- uses: vm.migrate\n  with: { vm: web1, to: hv2 }',
    '- steps:\n    - uses: vm.snapshot\n      with: { vm: web1 }\n    - uses: vm.migrate\n      with: { vm: web1, to: hv2 }',
    '- uses: vm.revert\n  with: { vm: web1, snapshot: x }\n- uses: vm.start\n  with: { vm: web1 }',
  ].map(whole),
  `${head}inputs:\n  a: { type: string, default: x }\nsteps:\n  - wait: 1m\n`,
  `${head}inputs: { a: { type: string, default: x }, b: { type: string, default: 1m } }\nsteps:\n  - wait: \${{ inputs.b }}\n`,
  'name: x\nsteps:\n  - wait: 1m\n',
  'version: 1\nsteps:\n  - wait: 1m\n',
  'version: 2\nname: x\nsteps:\n  - wait: 1m\n',
];

describe('every quick fix that is offered', () => {
  const cases = corpus.flatMap(text => [text, text.replaceAll('\n', '\r\n'), text.trimEnd()]);
  const errors = (found: Diagnostic[]) =>
    found
      .filter(({ severity }) => severity === DiagnosticSeverity.Error)
      .map(({ code, message }) => `${code}: ${message}`);

  test('there is one for every text of the corpus', () => {
    for (const text of corpus) {
      const document = TextDocument.create('file:///a.runbook.yaml', '', 1, text);
      const found = validate(document, config);
      expect(found, text).not.toEqual([]);
      expect(
        codeActions(document, found[0]!.range, found, config).filter(({ kind }) => kind === 'quickfix'),
        text,
      ).not.toEqual([]);
    }
  });

  test.each(cases)('mends what it is offered for: %j', text => {
    const document = TextDocument.create('file:///a.runbook.yaml', '', 1, text);
    const before = validate(document, config);
    for (const diagnostic of before) {
      for (const action of codeActions(document, diagnostic.range, [diagnostic], config)) {
        if (action.kind !== 'quickfix') continue;
        expect(action.diagnostics).toEqual([diagnostic]);
        const fixed = applied(document, action);
        const after = validate(TextDocument.create('file:///a.runbook.yaml', '', 2, fixed), config);
        const same = (found: Diagnostic[]) => found.filter(({ code }) => code === diagnostic.code).length;
        expect(same(after), `${action.title} leaves it:\n${fixed}`).toBeLessThan(same(before));
        const known = errors(before);
        expect(
          errors(after).filter(error => !known.includes(error)),
          `${action.title} breaks it:\n${fixed}`,
        ).toEqual([]);
        if (text.includes('\r\n')) expect(fixed.replaceAll('\r\n', ''), action.title).not.toContain('\n');
      }
    }
  });
});

describe('every rewriting that is offered', () => {
  const files = ['maintenance', 'patch', 'backup', 'migrate', 'hello', 'parts/patch-one'];
  test.each(files)('leaves examples/%s.runbook.yaml without errors, and its comments where they are', file => {
    const text = readFileSync(`examples/${file}.runbook.yaml`, 'utf8');
    const errors = (one: string) => {
      const own = { ...config, runbooks: () => undefined };
      return validate(TextDocument.create('file:///a.runbook.yaml', '', 1, one), own).filter(
        ({ severity }) => severity === DiagnosticSeverity.Error,
      );
    };
    expect(errors(text)).toEqual([]);
    const document = TextDocument.create('file:///a.runbook.yaml', '', 1, text);
    const seen = new Set<string>();
    for (let line = 0; line < document.lineCount; line++) {
      const end = document.getText({ start: { line, character: 0 }, end: { line: line + 1, character: 0 } }).trimEnd();
      const at = { line, character: Math.max(0, end.length - 2) };
      for (const action of codeActions(document, { start: at, end: at }, [], config)) {
        const made = applied(document, action);
        if (seen.has(made)) continue;
        seen.add(made);
        expect(errors(made), `${action.title}:\n${made}`).toEqual([]);
        for (const comment of text.match(/^ *#.*$/gm) ?? []) expect(made).toContain(comment.trim());
      }
    }
    expect(seen.size).toBeGreaterThanOrEqual(8);
  });
});
