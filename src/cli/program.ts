import { Command, Option } from 'commander';
import { version } from '../../package.json';
import { openTerminal } from './terminal';

// Commands are loaded when they are called: `--help` and a typing error must be answered at once.

const examples = (...lines: string[]): string => `\nExamples:\n${lines.map(line => `  $ ${line}`).join('\n')}\n`;
const format = (): Option =>
  new Option('--format <format>', 'how the output looks').choices(['text', 'json']).default('text');
const collect = (value: string, list: string[] = []): string[] => [...list, value];
const reviewFormats = ['text', 'markdown', 'sarif', 'github', 'gitlab', 'junit', 'json'];
const runArgument = 'id of the run, the beginning of it, or `latest`';

/** The command line. `end` is told the exit code of the command that was called. */
export function program(end: (code: number) => void): Command {
  const terminal = openTerminal();
  const root = new Command('virtbook')
    .description('Runbooks for virtual machines, reviewed like code: check, plan, run step by step, and roll back.')
    .version(version, '-V, --version')
    .showHelpAfterError('Run `virtbook --help` for what there is.')
    .configureHelp({ sortSubcommands: false })
    .addHelpText(
      'after',
      `
Exit codes:
  0  done
  1  problems were found, or the run failed and was rolled back (or was stopped)
  2  bad usage or input
  3  the rollback is incomplete, or the runner died: a person is needed

Environment:
  VIRTBOOK_STATE          folder that holds the runs and their journals
  VIRTBOOK_SECRET_<NAME>  value of the secret input NAME (or the variable that its \`env:\` names)
  NO_COLOR                no colours
`,
    );

  root
    .command('check')
    .description('check runbooks and inventories as the editor does')
    .argument('<files...>', '*.runbook.yaml and *.inventory.yaml files, or folders that hold some')
    .addOption(format())
    .addHelpText('after', examples('virtbook check patch.runbook.yaml', 'virtbook check . --format json'))
    .action(async (files, options) => end(await (await import('./commands/check')).check(files, options, terminal)));

  root
    .command('plan')
    .description('show what a run would do; connects to nothing, unless --live')
    .argument('<file>', 'the runbook')
    .option('-i, --input <name=value>', 'value of an input; may be given again', collect)
    .option('--step <id>', 'only this step')
    .option('--from <id>', 'from this step on')
    .option('--live', 'look at the hypervisors for what stands in the way')
    .addOption(format())
    .addHelpText(
      'after',
      examples('virtbook plan patch.runbook.yaml', 'virtbook plan patch.runbook.yaml -i vms=web1,web2 --live'),
    )
    .action(async (file, options) => end(await (await import('./commands/plan')).plan(file, options, terminal)));

  root
    .command('rehearse')
    .description('run it on a simulated copy of the inventory, once for every way it can go wrong; changes nothing')
    .argument('<file>', 'the runbook')
    .option('-i, --input <name=value>', 'value of an input; may be given again', collect)
    .option('--step <id>', 'only this step')
    .option('--from <id>', 'from this step on')
    .option('--pairs', 'a second failure in each rollback, too')
    .option('--progress', 'show how far it is, also where the output is no terminal')
    .option('--lab <file>', 'the copy to use, as `virtbook inventory --capture` writes it; nothing is connected to')
    .addOption(
      new Option('--format <format>', 'how the output looks').choices(['text', 'json', 'markdown']).default('text'),
    )
    .addHelpText(
      'after',
      `
Ends with 1 when a failure point does not come back, or the runbook fails even without a failure. Ctrl-C stops it.
${examples('virtbook rehearse patch.runbook.yaml', 'virtbook rehearse patch.runbook.yaml --pairs --format markdown')}`,
    )
    .action(async (file, options) =>
      end(await (await import('./commands/rehearse')).rehearse(file, options, terminal)),
    );

  root
    .command('run')
    .description('run a runbook, or a part of it; a failure rolls everything back')
    .argument('<file>', 'the runbook')
    .option('-i, --input <name=value>', 'value of an input; may be given again', collect)
    .option('--step <id>', 'only this step')
    .option('--from <id>', 'from this step on')
    .option('-y, --yes', 'run it without asking')
    .option('-d, --detach', 'let it run, and do not wait')
    .option('--hold', 'let it stand before its first step until `virtbook continue` or a debugger lets it go')
    .addOption(format())
    .addHelpText(
      'after',
      `
The run is carried by a process of its own: closing the terminal does not stop it. Ctrl+C asks whether to stop and keep what was done,
to roll back, or to leave it running; a second Ctrl+C leaves it running. Inputs without a value, secrets and approvals are asked for at a
terminal; --yes only answers the first question, and approves nothing. With --format json the journal's records are printed, one per line.
${examples('virtbook run patch.runbook.yaml', 'virtbook run patch.runbook.yaml --input vms=group:web --yes', 'virtbook run patch.runbook.yaml --from reboot')}`,
    )
    .action(async (file, options) => end(await (await import('./commands/run')).run(file, options, terminal)));

  root
    .command('review')
    .description(
      'review a change of runbooks and inventories in a git repository; connects to nothing and changes nothing',
    )
    .option('--base <revision>', 'what it is compared with: where the head left it; default: the main branch')
    .option('--head <revision>', 'what is reviewed: a branch or commit, `worktree` (default) or `index`')
    .option('--inventory <file>', 'a capture, or an inventory of the repository, to use for all runbooks')
    .option('--format <format[=file]>', `${reviewFormats.join(', ')}; may be given again with files`, collect)
    .option('--output <file>', 'where the --format without a file is written; default: standard output')
    .option(
      '--fail-on <list>',
      'end with 1 on: error, warning, not-back, unreadable, risk:medium, risk:high, or never',
      'error,not-back,unreadable',
    )
    .option('--no-rehearse', 'leave the rehearsals out')
    .option('--base-name <text>', 'what the base is called in the reports; default: as it was given')
    .option('--head-name <text>', 'what the head is called in the reports')
    .option('--link <address>', 'of a line, for Markdown: with {commit}, {path} and {line} in it')
    .addHelpText(
      'after',
      `
Only what the change brings makes it fail; what was there before does not.
${examples('virtbook review', 'virtbook review --base origin/main --head HEAD --format markdown', 'virtbook review --format github --format sarif=review.sarif --fail-on error,risk:high')}`,
    )
    .action(async options => end(await (await import('./commands/review')).review(options, terminal)));

  root
    .command('resume')
    .description('go on with a run that was stopped or whose runner died; attach to one that is running')
    .argument('<run>', runArgument)
    .option('-d, --detach', 'do not wait for its end')
    .addOption(format())
    .addHelpText('after', examples('virtbook resume latest', 'virtbook resume 20260103-2200'))
    .action(async (name, options) => end(await (await import('./commands/control')).resume(name, options, terminal)));

  root
    .command('rollback')
    .description('undo everything that a run did, last step first')
    .argument('<run>', runArgument)
    .option('-d, --detach', 'do not wait for its end')
    .addOption(format())
    .addHelpText(
      'after',
      `
Ends with 1 when everything was undone, as a run that failed and was rolled back does, and with 3 when something is left.
${examples('virtbook rollback latest')}`,
    )
    .action(async (name, options) => end(await (await import('./commands/control')).rollback(name, options, terminal)));

  root
    .command('cancel')
    .description('stop a run that is running')
    .argument('<run>', runArgument)
    .option('--keep', 'keep what was done; the step under way is undone')
    .option('--rollback', 'roll everything back')
    .option('-d, --detach', 'do not wait for its end')
    .addOption(format())
    .addHelpText('after', examples('virtbook cancel latest --rollback', 'virtbook cancel 20260103-2200 --keep'))
    .action(async (name, options) => end(await (await import('./commands/control')).cancel(name, options, terminal)));

  root
    .command('pause')
    .description('let a run stand before its next step; nothing is stopped in the middle of one')
    .argument('<run>', runArgument)
    .addHelpText('after', examples('virtbook pause latest'))
    .action(async name => end(await (await import('./commands/control')).pause(name, terminal)));

  root
    .command('continue')
    .description('let a run go on that was paused or held, or that stands in a debugger')
    .argument('<run>', runArgument)
    .option('-d, --detach', 'do not wait for its end')
    .addOption(format())
    .addHelpText('after', examples('virtbook continue latest'))
    .action(async (name, options) => end(await (await import('./commands/control')).goOn(name, options, terminal)));

  for (const decision of ['approve', 'reject'] as const) {
    root
      .command(decision)
      .description(
        decision === 'approve'
          ? 'approve what a run waits for, for the plan that it has and no other'
          : 'say no to what a run waits for an approval of: it is rolled back',
      )
      .argument('<run>', runArgument)
      .option('--gate <key>', 'which approval, where the run waits for several')
      .option('--note <text>', 'why; kept in the journal')
      .option('--as <name>', 'in the name of somebody else; the journal says that you said so')
      .addHelpText(
        'after',
        `
An approval is given in the name of the account that carries the run, which is the only one that can reach it. Names given with --as are
not checked.
${examples(`virtbook ${decision} latest`, `virtbook ${decision} 20260103-2200 --note "agreed in CHG-1234"`)}`,
      )
      .action(async (name, options) =>
        end(await (await import('./commands/approve')).approve(name, decision, options, terminal)),
      );
  }

  root
    .command('runs')
    .description('list runs, newest first')
    .option('--remove <run...>', 'delete these from the history, their journals with them; what they did stays done')
    .option('--force', 'with --remove: also those that somebody should still resume or roll back')
    .addOption(format())
    .addHelpText(
      'after',
      examples('virtbook runs', 'virtbook runs --format json', 'virtbook runs --remove 20260103-220000'),
    )
    .action(async options => end(await (await import('./commands/show')).runs(options, terminal)));

  root
    .command('show')
    .description('show a run: its steps, what was undone, what is left; ends with the exit code of the run')
    .argument('<run>', runArgument)
    .option('-f, --follow', 'watch it until it ends')
    .option('--remaining', 'print what it left undone as a runbook')
    .addOption(
      new Option('--format <format>', 'how the output looks; markdown is a record for a pull request or a ticket')
        .choices(['text', 'json', 'markdown'])
        .default('text'),
    )
    .addOption(
      new Option('--logs <which>', 'of each step, in Markdown: its last lines, or all')
        .choices(['tail', 'all'])
        .default('tail'),
    )
    .option('--sign [key]', 'sign the Markdown with this SSH key; default: the one git signs with, or the usual one')
    .addHelpText(
      'after',
      examples(
        'virtbook show latest',
        'virtbook show latest --follow',
        'virtbook show latest --remaining > rest.runbook.yaml',
        'virtbook show latest --format markdown --sign > evidence.md',
      ),
    )
    .action(async (name, options) => end(await (await import('./commands/show')).show(name, options, terminal)));

  root
    .command('verify-evidence')
    .description('check that the signed record of a run is unchanged, and who signed it')
    .argument('<file>', 'as `virtbook show RUN --format markdown --sign` gives it; - reads standard input')
    .option(
      '--allowed-signers <file>',
      'whose keys count, as ssh-keygen(1) describes; default: .virtbook/allowed_signers',
    )
    .option('--any-key', 'ask only whether it is unchanged, not whose signature it is')
    .option('--run <run>', 'compare it with the journal of this run, which must be on this computer')
    .addHelpText(
      'after',
      examples('virtbook verify-evidence evidence.md', 'virtbook verify-evidence evidence.md --run latest'),
    )
    .action(async (file, options) =>
      end(await (await import('./commands/verify-evidence')).verifyEvidence(file, options, terminal)),
    );

  root
    .command('inventory')
    .description('show the hosts, VMs and datastores that an inventory leads to, as they are now')
    .argument('[file]', 'the inventory; the one in this folder when left out')
    .option('--capture <file>', 'write a simulated copy of it to this file, for `virtbook rehearse --lab`')
    .option(
      '--pseudonyms',
      'in the copy, pseudonyms for names that neither the inventory nor a runbook of the repository has',
    )
    .option('--pseudonym-key <file>', 'the key of the pseudonyms; by default one in the folder of the state')
    .addOption(format())
    .addHelpText(
      'after',
      `
With --pseudonyms the copy can be committed, for \`virtbook review\`; docs/review.md says what is kept. The same key gives the same
pseudonyms, and is not to be committed.
${examples(
  'virtbook inventory',
  'virtbook inventory lab.inventory.yaml --format json',
  'virtbook inventory --capture copy.lab.yaml',
  'virtbook inventory prod.inventory.yaml --capture prod.capture.yaml --pseudonyms',
)}`,
    )
    .action(async (file, options) =>
      end(await (await import('./commands/inventory')).inventory(file, options, terminal)),
    );

  const inventoryOption = (): Option =>
    new Option(
      '-i, --inventory <file>',
      'the inventory, or a runbook that names it; the one in this folder when left out',
    );

  root
    .command('locks')
    .description('list who holds hosts, VMs and datastores during a run')
    .addOption(inventoryOption())
    .addOption(format())
    .addHelpText('after', examples('virtbook locks', 'virtbook locks -i patch.runbook.yaml --format json'))
    .action(async options => end(await (await import('./commands/locks')).locks(options, terminal)));

  root
    .command('release')
    .description('take locks away from a run that can not give them back; shows first what it leaves undone')
    .argument('<name>', 'what is locked, e.g. `web1`, or the run that holds it')
    .addOption(inventoryOption())
    .option('-y, --yes', 'release without asking')
    .addHelpText(
      'after',
      `
A run that is alive begins no other step without its locks, undoes nothing, and ends in need of a person.
${examples('virtbook release web1', 'virtbook release 20260103-2200 -i lab.inventory.yaml --yes')}`,
    )
    .action(async (name, options) => end(await (await import('./commands/release')).release(name, options, terminal)));

  root
    .command('dap')
    .description('debug runbooks from an editor: speaks the Debug Adapter Protocol on standard input and output')
    .addHelpText(
      'after',
      `
Started by an editor, not by hand; docs/debugger.md says how. To launch is to run: what a person would be asked before, the editor does not ask.
${examples('virtbook dap')}`,
    )
    .action(async () => (await import('./commands/dap')).dap(terminal));

  root
    .command('lsp')
    .description('help with writing in an editor: speaks the Language Server Protocol on standard input and output')
    .option('--stdio', 'as it is anyway; some clients give it')
    .addHelpText(
      'after',
      `
Reads files of the workspace; runs nothing and connects to nothing. See docs/language-server.md for Neovim and Helix.
${examples('virtbook lsp')}`,
    )
    .action(async () => (await import('./commands/lsp')).lsp());

  root
    .command('mcp')
    .description('tools for a language model: speaks the Model Context Protocol on standard input and output')
    .addHelpText(
      'after',
      `
It can check, explain, plan and rehearse. It can't run anything: that takes a person, and \`virtbook run\`.
${examples('virtbook mcp')}`,
    )
    .action(async () => (await import('./commands/mcp')).mcp());

  for (const command of [root, ...root.commands]) command.exitOverride();
  return root;
}
