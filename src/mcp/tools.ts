import { type Static, Type } from 'typebox';
import type { Json } from '../runbook/json';

/**
 * The tools that a language model is offered, over the Model Context Protocol and in VS Code alike. All of them read only. Running a runbook is
 * not among them: that takes a person (VS Code has a tool of its own for it, which asks one).
 */

const closed = { additionalProperties: false };
const File = Type.String({
  description: 'Path of the runbook (*.runbook.yaml), absolute or relative to the folder that is worked in.',
});
const planned = {
  file: File,
  inputs: Type.Optional(
    Type.Record(Type.String(), Type.Unsafe<Json>({}), {
      description:
        'Values of the inputs of the runbook, by name. Secrets are never given: a mark stands for them. Left out: the defaults.',
    }),
  ),
  step: Type.Optional(Type.String({ description: 'Id of the only step to take.' })),
  from: Type.Optional(Type.String({ description: 'Id of the step to begin with.' })),
};

export const CheckInput = Type.Object(
  {
    files: Type.Array(
      Type.String({ description: 'Path of a *.runbook.yaml or *.inventory.yaml file, absolute or relative.' }),
      { minItems: 1, maxItems: 100 },
    ),
  },
  closed,
);
export const ExplainInput = Type.Object(planned, closed);
export const PlanInput = Type.Object(planned, closed);
export const RehearseInput = Type.Object(
  {
    ...planned,
    pairs: Type.Optional(
      Type.Boolean({ description: 'Rehearse a second failure in each rollback, too. Takes far longer.' }),
    ),
  },
  closed,
);

export type CheckInput = Static<typeof CheckInput>;
export type PlanInput = Static<typeof PlanInput>;
export type RehearseInput = Static<typeof RehearseInput>;

export const tools = {
  check: {
    name: 'virtbook_check',
    title: 'Check runbooks and inventories',
    description:
      'Checks Virtbook runbooks and inventories (YAML) as the editor does: schema, names of hosts and VMs, expressions, and rules about ' +
      'operations on virtual machines. Gives one line for each problem: file:line:column: severity code message. Use it after every edit ' +
      'of such a file. Reads files only.',
    inputSchema: CheckInput,
  },
  explain: {
    name: 'virtbook_explain',
    title: 'Explain a runbook',
    description:
      'Says in words what a Virtbook runbook, or one of its steps, does: each step with what it acts on, when it is skipped, and how it is ' +
      'undone; what would be changed and locked; where nothing can be undone any more. Works without values for the inputs. Use it to ' +
      'answer questions about a runbook. Reads files only.',
    inputSchema: ExplainInput,
  },
  plan: {
    name: 'virtbook_plan',
    title: 'Plan a runbook',
    description:
      'Shows exactly what a run of a Virtbook runbook with these inputs would do: every step with its targets, what is not known yet, a ' +
      'timetable, and the hash of the plan, which is what people approve. Needs a value for every input without a default. Reads files ' +
      'only; connects to nothing and changes nothing.',
    inputSchema: PlanInput,
  },
  rehearse: {
    name: 'virtbook_rehearse',
    title: 'Rehearse a runbook',
    description:
      'Runs a Virtbook runbook on a simulated copy of its inventory, once for every way in which each step can fail, and reports for which ' +
      'of them everything came back to how it was. Use it before a runbook is proposed for a run. Real hypervisors are looked at to make ' +
      'the copy, nothing is changed. May take minutes.',
    inputSchema: RehearseInput,
  },
} as const;

export type ToolName = keyof typeof tools;

/** What a tool says. */
export interface Answer {
  /** For the model; Markdown or plain text. */
  text: string;
  /** It could not be done; `text` says why and what to do. */
  failed?: boolean;
}

export interface Working {
  signal: AbortSignal;
  /** How far a long piece of work is. */
  progress(done: number, total: number): void;
}

/** Who does what the tools say: the command line on its files, the extension on its documents. */
export interface ToolBackend {
  check(input: CheckInput): Promise<Answer>;
  explain(input: PlanInput): Promise<Answer>;
  plan(input: PlanInput): Promise<Answer>;
  rehearse(input: RehearseInput, working: Working): Promise<Answer>;
}
