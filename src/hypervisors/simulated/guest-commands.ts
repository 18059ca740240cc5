import { failed, type GuestEffect, type GuestMachine, ok, withFile } from './guest-machine';
import { runAptGet, runDpkg, runDpkgQuery } from './guest-packages';
import { runShellScript } from './guest-script';

/** Runs argv in the small model of a Debian guest. What the model doesn't know ends with code 127, as a missing command does. */
export function runInGuest(machine: GuestMachine, argv: readonly string[]): GuestEffect {
  const [path = '', ...args] = argv;
  const command = path.replace(/^(\/usr)?\/s?bin\//, '');
  switch (command) {
    case 'true':
    case 'sync':
      return ok(machine);
    case 'false':
      return failed(machine, 1, '');
    case 'env': {
      const start = args.findIndex(arg => !/^[A-Za-z_]\w*=/.test(arg));
      return start < 0 ? ok(machine) : runInGuest(machine, args.slice(start));
    }
    case 'echo': {
      const newline = args[0] !== '-n';
      return ok(machine, (newline ? args : args.slice(1)).join(' ') + (newline ? '\n' : ''));
    }
    case 'hostname':
      return ok(machine, `${machine.name}\n`);
    case 'uname':
      return ok(machine, args[0] === '-n' ? `${machine.name}\n` : args[0] === '-r' ? '6.1.0-cloud-amd64\n' : 'Linux\n');
    case 'sleep': {
      const seconds = Number(args[0]);
      return Number.isFinite(seconds)
        ? ok(machine, '', machine.guest, seconds)
        : failed(machine, 1, `sleep: invalid time interval '${args[0] ?? ''}'\n`);
    }
    case 'cat':
      return cat(machine, args);
    case 'tee':
      return tee(machine, args);
    case 'rm':
      return remove(machine, args);
    case 'test':
    case '[':
      return test(machine, command === '[' ? args.slice(0, -1) : args);
    case 'systemctl':
      return systemctl(machine, args);
    case 'pidof':
      // Commands run one at a time here, so nothing else is ever found running.
      return failed(machine, 1, '');
    case 'apt-get':
      return runAptGet(machine, args);
    case 'dpkg':
      return runDpkg(machine, args);
    case 'dpkg-query':
      return runDpkgQuery(machine, args);
    case 'sh':
      if (args[0] === '-c' && args[1] !== undefined) return runShellScript(machine, args[1], runInGuest);
      break;
  }
  if (machine.guest.otherCommands === 'succeed') return ok(machine);
  return failed(machine, 127, `${path}: command not found in the simulated guest ${machine.name}\n`);
}

function cat(machine: GuestMachine, args: string[]): GuestEffect {
  if (args.length === 0) return ok(machine, machine.stdin);
  let stdout = '';
  let stderr = '';
  for (const path of args) {
    const text = path === '-' ? machine.stdin : machine.guest.files[path];
    if (text === undefined) stderr += `cat: ${path}: No such file or directory\n`;
    else stdout += text;
  }
  return { result: { code: stderr ? 1 : 0, stdout, stderr }, guest: machine.guest, seconds: 0.05 };
}

function tee(machine: GuestMachine, args: string[]): GuestEffect {
  const append = args[0] === '-a';
  let guest = machine.guest;
  for (const path of append ? args.slice(1) : args) {
    guest = withFile(guest, path, (append ? (guest.files[path] ?? '') : '') + machine.stdin);
  }
  return ok(machine, machine.stdin, guest);
}

function remove(machine: GuestMachine, args: string[]): GuestEffect {
  const force = args.some(arg => /^-\w*f/.test(arg));
  const files = { ...machine.guest.files };
  let stderr = '';
  for (const path of args.filter(arg => !arg.startsWith('-'))) {
    if (path in files) delete files[path];
    else if (!force) stderr += `rm: cannot remove '${path}': No such file or directory\n`;
  }
  const guest =
    Object.keys(files).length === Object.keys(machine.guest.files).length ? machine.guest : { ...machine.guest, files };
  return { result: { code: stderr ? 1 : 0, stdout: '', stderr }, guest, seconds: 0.05 };
}

function test(machine: GuestMachine, args: string[]): GuestEffect {
  const [operator, operand = ''] = args;
  const text = machine.guest.files[operand];
  const truth =
    operator === '-e' || operator === '-f' || operator === '-r'
      ? text !== undefined
      : operator === '-s'
        ? (text ?? '') !== ''
        : undefined;
  if (truth === undefined) return failed(machine, 2, `test: ${operator ?? ''}: not known in the simulated guest\n`);
  return truth ? ok(machine) : failed(machine, 1, '');
}

function systemctl(machine: GuestMachine, args: string[]): GuestEffect {
  const [verb, ...names] = args.filter(arg => !arg.startsWith('-'));
  const units = names.map(name => name.replace(/[.]service$/, ''));
  const { services } = machine.guest;
  if (verb === 'is-active') {
    const states = units.map(unit => services[unit] ?? 'inactive');
    const stdout = args.includes('--quiet') || args.includes('-q') ? '' : `${states.join('\n')}\n`;
    return {
      result: { code: states.every(state => state === 'active') ? 0 : 3, stdout, stderr: '' },
      guest: machine.guest,
      seconds: 0.05,
    };
  }
  if (verb === 'start' || verb === 'stop' || verb === 'restart') {
    const missing = units.find(unit => services[unit] === undefined);
    if (missing !== undefined) {
      return failed(machine, 5, `Failed to ${verb} ${missing}.service: Unit ${missing}.service not found.\n`);
    }
    const state = verb === 'stop' ? 'inactive' : 'active';
    const next = Object.fromEntries(units.map(unit => [unit, state] as const));
    return ok(machine, '', { ...machine.guest, services: { ...services, ...next } }, 0.5);
  }
  return failed(machine, 1, `systemctl: ${verb ?? ''}: not known in the simulated guest\n`);
}
