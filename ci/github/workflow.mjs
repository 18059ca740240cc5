// What a step of a workflow says to the runner that carries it.
import { randomUUID } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';

/** What started the workflow. */
export function event(env = process.env) {
  return JSON.parse(readFileSync(needed(env, 'GITHUB_EVENT_PATH'), 'utf8'));
}

export function needed(env, name) {
  const value = env[name];
  if (!value) throw new Error(`${name} is not set. This script is for the steps of the action.`);
  return value;
}

/** Values are one line each. */
export function setOutputs(values, env = process.env) {
  const lines = Object.entries(values).map(([name, value]) => `${name}=${String(value).replace(/[\r\n]+/g, ' ')}\n`);
  appendFileSync(needed(env, 'GITHUB_OUTPUT'), lines.join(''));
}

/** Into the log, with nothing in it taken for a command: it may hold names and texts of whoever wrote the change. */
export function log(text) {
  if (text === '') return;
  const end = randomUUID();
  process.stdout.write(`::stop-commands::${end}\n${text.trimEnd()}\n::${end}::\n`);
}

export function notice(text) {
  process.stdout.write(`::notice title=Virtbook::${data(text)}\n`);
}

export function warn(text) {
  process.stdout.write(`::warning title=Virtbook::${data(text)}\n`);
}

/** Says it and fails the step. */
export function fail(error) {
  process.stdout.write(`::error title=Virtbook::${data(error instanceof Error ? error.message : String(error))}\n`);
  process.exitCode = 1;
}

function data(text) {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}
