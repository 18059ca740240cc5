import * as vscode from 'vscode';
import { parseInput } from '../../engine/input-text';
import { missingInputs } from '../../engine/plan-inputs';
import type { Json, JsonObject } from '../../runbook/json';
import type { InputDefinition, Runbook } from '../../runbook/model';

/** Names to offer for inputs that take hosts or VMs. */
export interface Offered {
  hosts: string[];
  vms: string[];
}

/** Asks for every input that has no value yet. undefined: the person gave up. */
export async function askInputs(
  runbook: Runbook,
  offered: Offered,
  known: JsonObject = {},
): Promise<JsonObject | undefined> {
  const open = missingInputs(runbook, known);
  const given = { ...known };
  for (const [index, { name, definition }] of open.entries()) {
    const title = vscode.l10n.t('{0}: input {1} of {2}', runbook.name, index + 1, open.length);
    const value = await askInput(title, name, definition, offered);
    if (value === undefined) return undefined;
    given[name] = value;
  }
  return given;
}

async function askInput(
  title: string,
  name: string,
  input: InputDefinition,
  offered: Offered,
): Promise<Json | undefined> {
  const placeHolder = input.prompt ?? (input.description ? `${name}: ${input.description}` : name);
  const choices = choicesOf(input, offered);
  if (choices && (input.type === 'hosts' || input.type === 'vms')) {
    const picked = await vscode.window.showQuickPick(choices, {
      title,
      placeHolder,
      canPickMany: true,
      ignoreFocusOut: true,
    });
    return picked && picked.length > 0 ? picked : undefined;
  }
  if (choices) {
    const picked = await vscode.window.showQuickPick(choices, { title, placeHolder, ignoreFocusOut: true });
    return picked === undefined ? undefined : parseInput(input, picked).value;
  }
  const text = await vscode.window.showInputBox({
    title,
    prompt: placeHolder,
    ignoreFocusOut: true,
    validateInput: typed => parseInput(input, typed).problem,
  });
  return text === undefined ? undefined : parseInput(input, text).value;
}

function choicesOf(input: InputDefinition, offered: Offered): string[] | undefined {
  if (input.enum) return input.enum.map(value => (typeof value === 'string' ? value : JSON.stringify(value)));
  if (input.type === 'boolean') return ['true', 'false'];
  if ((input.type === 'host' || input.type === 'hosts') && offered.hosts.length > 0) return offered.hosts;
  if ((input.type === 'vm' || input.type === 'vms') && offered.vms.length > 0) return offered.vms;
  return undefined;
}
