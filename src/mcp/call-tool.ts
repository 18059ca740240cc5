import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { type Answer, type PlanInput, type ToolBackend, type ToolName, tools, type Working } from './tools';

/** What a model gave does not fit the tool's schema; the message says where. */
export class ToolInputWrong extends Error {
  override readonly name = 'ToolInputWrong';
}

/** What the tool to run is given: the same as the one to plan. @throws ToolInputWrong */
export function readPlanInput(input: unknown, tool: string): PlanInput {
  requireFit(tools.plan.inputSchema, tool, input);
  return Value.Parse(tools.plan.inputSchema, input);
}

function requireFit(schema: TSchema, tool: string, input: unknown): void {
  const [problem] = Value.Errors(schema, input);
  if (!problem) return;
  const place = problem.instancePath ? `${problem.instancePath.slice(1)}: ` : '';
  // Of what the schema closes out, the reader of schemas says only "schema is false".
  const message = problem.keyword === 'boolean' ? 'there is no such argument' : problem.message;
  throw new ToolInputWrong(`The arguments of ${tool} do not fit: ${place}${message}.`);
}

/** @throws ToolInputWrong, or what the backend throws */
export async function callTool(
  backend: ToolBackend,
  name: ToolName,
  input: unknown,
  working: Working,
): Promise<Answer> {
  requireFit(tools[name].inputSchema, tools[name].name, input);
  switch (name) {
    case 'check':
      return backend.check(Value.Parse(tools.check.inputSchema, input));
    case 'explain':
      return backend.explain(Value.Parse(tools.explain.inputSchema, input));
    case 'plan':
      return backend.plan(Value.Parse(tools.plan.inputSchema, input));
    case 'rehearse':
      return backend.rehearse(Value.Parse(tools.rehearse.inputSchema, input), working);
  }
}
