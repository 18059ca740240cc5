import type { ActionSignature } from './check-context';
import { durationPattern } from './duration';
import { forEachSettings, inputTypes, limitNames, type stepKinds } from './read-runbook';
import type { JsonSchema } from './value-type';

/** Annotations beside JSON Schema that the checks read; validators ignore them. */
export interface RunbookSchema extends JsonSchema {
  $schema?: string;
  $id?: string;
  $defs?: Record<string, RunbookSchema>;
  properties?: Record<string, RunbookSchema>;
  items?: RunbookSchema | boolean;
  additionalProperties?: RunbookSchema | boolean;
  patternProperties?: Record<string, RunbookSchema>;
  anyOf?: RunbookSchema[];
  oneOf?: RunbookSchema[];
  if?: RunbookSchema;
  then?: RunbookSchema;
  else?: RunbookSchema;
  discriminator?: { propertyName: string };
  minItems?: number;
  /** Code of the rule that a value against this schema breaks. */
  rule?: string;
  /** What to write, for messages, e.g. `a duration such as 30s`. */
  wanted?: string;
}

export const templatePattern = '\\$\\{\\{';
const idPattern = '^[A-Za-z][A-Za-z0-9_-]*$';
const variablePattern = '[A-Za-z_][A-Za-z0-9_]*';
const variableNamePattern = '^[A-Za-z_][A-Za-z0-9_]*$';
/** `uses` of a call. */
const callPattern = '^\\.\\.?/';
/** A string with an expression in it, which may stand where a value of any type is wanted. */
const templateRef = { $ref: '#/$defs/template' };

/** The JSON Schema of runbooks that use these actions. Published in `schemas/`; the validator is made from it as well. */
export function runbookSchema(actions: readonly ActionSignature[]): RunbookSchema {
  const sorted = [...actions].sort((left, right) => (left.name < right.name ? -1 : 1));
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: 'https://virtbook.dev/schemas/runbook.schema.json',
    title: 'Virtbook runbook',
    type: 'object',
    required: ['version', 'name', 'steps'],
    additionalProperties: false,
    properties: {
      version: { const: 1, description: 'Version of the runbook language.', rule: 'wrong-version' },
      name: { type: 'string', description: 'What the runbook does, for people.' },
      description: { type: 'string', description: 'More about it: when to run it, what to look out for.' },
      inventory: { type: 'string', description: 'Path of the inventory file, relative to this file.' },
      inputs: {
        type: 'object',
        description: 'What is asked when the runbook is run. Read as `inputs.NAME`.',
        patternProperties: { [idPattern]: { $ref: '#/$defs/input' } },
        additionalProperties: false,
      },
      outputs: {
        type: 'object',
        description: 'What a runbook that calls this one gets, as `steps.ID.outputs.NAME`.',
        patternProperties: { [idPattern]: {} },
        additionalProperties: false,
      },
      limits: {
        type: 'object',
        description: 'How many steps may act at once. A step that would be one too many waits.',
        additionalProperties: false,
        properties: Object.fromEntries(
          limitNames.map(name => [name, { type: 'integer', minimum: 1, description: limitTexts[name] }]),
        ),
      },
      window: {
        type: 'object',
        description: 'When steps may be begun.',
        required: ['allow', 'zone'],
        additionalProperties: false,
        properties: {
          allow: {
            anyOf: [{ type: 'string' }, { type: 'array', minItems: 1, items: { type: 'string' } }],
            wanted: 'days and hours such as `Sat 22:00-04:00`, or a list of them',
            description:
              'Days and hours, one or several: `Sat 22:00-04:00`, `Mon-Fri 20:00-23:30`, `22:00-04:00` (every day).',
          },
          zone: { type: 'string', description: 'Time zone of these hours, e.g. `Europe/London`.' },
          outside: {
            enum: ['wait', 'refuse'],
            default: 'wait',
            description: 'A run that is started outside: `wait` until it opens, or `refuse`.',
          },
          closing: {
            enum: ['drain', 'rollback', 'ignore'],
            default: 'drain',
            description:
              'When it closes during the run: `drain` ends what is under way and stops, `rollback` undoes everything, `ignore` goes on.',
          },
        },
      },
      steps: { $ref: '#/$defs/steps' },
      finally: {
        $ref: '#/$defs/steps',
        description:
          'Steps that run at the end, whatever became of the others, after a rollback too. They are not undone.',
      },
    },
    $defs: {
      template: { type: 'string', pattern: templatePattern, description: 'A CEL expression: `${{ … }}`.' },
      duration: {
        type: 'string',
        pattern: durationPattern,
        rule: 'bad-duration',
        wanted: 'a duration such as `30s`, `5m` or `1h30m`',
      },
      id: {
        type: 'string',
        pattern: idPattern,
        description: 'Unique in the runbook. Outputs are read as `steps.ID.outputs.NAME`.',
        rule: 'bad-id',
        wanted: 'letters, digits, `_` and `-`, a letter first',
      },
      input: {
        type: 'object',
        required: ['type'],
        additionalProperties: false,
        properties: {
          type: {
            enum: [...inputTypes],
            description:
              'Type of the value. `hosts` and `vms` take names, `group:NAME` or `tag:NAME`, and become a list of names. `secret` is text that is never written down.',
          },
          description: { type: 'string', description: 'Shown where the value is asked for.' },
          default: { description: 'Used when nothing is given. Without it the input must be given.' },
          enum: { type: 'array', description: 'Values that are allowed.' },
          prompt: { type: 'string', description: 'What a person is asked when nothing was given.' },
          env: {
            type: 'string',
            pattern: variableNamePattern,
            wanted: 'the name of an environment variable',
            description: 'For a `secret`: the environment variable that holds it, instead of `VIRTBOOK_SECRET_NAME`.',
          },
        },
      },
      steps: {
        type: 'array',
        minItems: 1,
        wanted: 'a list of steps',
        description: 'Steps, run from top to bottom.',
        items: { $ref: '#/$defs/step' },
      },
      step: {
        type: 'object',
        wanted: 'a map with `uses`, `forEach`, `steps` or another kind of step',
        ...choice([
          [
            { required: ['uses'], properties: { uses: { type: 'string', pattern: callPattern } } },
            { $ref: '#/$defs/callStep' },
          ],
          [
            { required: ['uses'] },
            {
              type: 'object',
              required: ['uses'],
              discriminator: { propertyName: 'uses' },
              oneOf: sorted.map(action => ({ $ref: `#/$defs/action:${action.name}` })),
            },
          ],
          ...Object.keys(kindSchemas).map((kind): [RunbookSchema, RunbookSchema] => [
            { required: [kind] },
            { $ref: `#/$defs/${kind}Step` },
          ]),
          [{ required: ['steps'] }, { $ref: '#/$defs/groupStep' }],
          [{}, { $ref: '#/$defs/untypedStep' }],
        ]),
      },
      untypedStep: {
        type: 'object',
        required: ['uses'],
        properties: {
          ...stepProperties,
          uses: { type: 'string', description: 'The action.', enum: sorted.map(action => action.name) },
          ...kindSchemas,
          steps: { $ref: '#/$defs/steps' },
        },
      },
      ...Object.fromEntries(
        Object.entries(kindSchemas).map(([kind, schema]) => [
          `${kind}Step`,
          {
            type: 'object',
            required: kind === 'forEach' ? ['forEach', 'steps'] : [kind],
            additionalProperties: false,
            properties: { ...stepProperties, [kind]: schema, ...besides[kind] },
          },
        ]),
      ),
      callStep: {
        type: 'object',
        title: 'Call a runbook',
        required: ['uses'],
        additionalProperties: false,
        properties: {
          ...stepProperties,
          uses: {
            type: 'string',
            pattern: callPattern,
            description: 'The runbook to run here: its path relative to this file, beginning with `./` or `../`.',
          },
          with: { type: 'object', description: 'Inputs of the called runbook.' },
        },
      },
      forEach: {
        type: 'object',
        description:
          'Runs the steps once per item: `{ host: "${{ inputs.hosts }}", batch: 2, maxFailures: 1 }`. The key that is none of `batch`, `canary` and `maxFailures` names the loop variable.',
        properties: {
          batch: { type: 'integer', minimum: 1, default: 1, description: 'How many items at once.' },
          canary: {
            type: 'integer',
            minimum: 1,
            description: 'So many items go first, and all of them must succeed before any other is begun.',
          },
          maxFailures: {
            type: 'integer',
            minimum: 0,
            default: 0,
            description: 'How many items may fail before no further item is started and the run fails.',
          },
        },
        patternProperties: {
          [`^(?!(${forEachSettings.join('|')})$)${variablePattern}$`]: {
            anyOf: [{ type: 'array' }, templateRef],
            wanted: 'a list, or an expression that gives one',
          },
        },
        additionalProperties: false,
      },
      groupStep: {
        type: 'object',
        required: ['steps'],
        additionalProperties: false,
        properties: { ...stepProperties, steps: { $ref: '#/$defs/steps' } },
      },
      retry: {
        type: 'object',
        required: ['attempts'],
        additionalProperties: false,
        description: 'Runs the step again when it fails.',
        properties: {
          attempts: {
            type: 'integer',
            minimum: 1,
            maximum: 100,
            description: 'How often it is tried at most, the first time included.',
          },
          delay: { $ref: '#/$defs/duration', description: 'Pause before the next attempt, e.g. `10s`.' },
        },
      },
      rollback: {
        anyOf: [{ const: 'none' }, { $ref: '#/$defs/steps' }],
        description: 'Replaces what the action would do to undo itself: steps to run instead, or `none`.',
        wanted: '`none` or a list of steps',
      },
      ...Object.fromEntries(sorted.map(action => [`action:${action.name}`, actionStepSchema(action)])),
    },
  };
}

const limitTexts: Record<(typeof limitNames)[number], string> = {
  perHost: 'How many steps may act on one host at once.',
  perDatastore: 'How many steps may act on one datastore at once.',
  perProxy: 'How many steps may use one proxy at once.',
  perConnection: 'How many steps may act over one connection at once.',
  total: 'How many steps may act at once, whatever they act on.',
};

/** What each kind of step says under the key that makes it one. Actions, calls and groups are apart. */
const kindSchemas: Record<Exclude<(typeof stepKinds)[number], 'uses' | 'steps'>, RunbookSchema> = {
  forEach: { $ref: '#/$defs/forEach' },
  parallel: {
    $ref: '#/$defs/steps',
    description: 'Steps that run side by side. Several steps in one branch: a step with `steps:`.',
  },
  approve: {
    type: 'object',
    description: 'Waits until people have approved this very plan.',
    additionalProperties: false,
    properties: {
      by: { type: 'integer', minimum: 1, default: 1, description: 'How many different people must approve.' },
      expires: {
        $ref: '#/$defs/duration',
        description: 'Not approved within this time, the step fails, e.g. `24h`. Without it the run waits.',
      },
      message: { type: 'string', description: 'What they are asked. May hold expressions.' },
      self: { type: 'boolean', default: true, description: 'Whether who submitted the run may approve it.' },
    },
  },
  wait: {
    anyOf: [{ $ref: '#/$defs/duration' }, templateRef],
    rule: 'bad-duration',
    wanted: 'a duration such as `30s`, `5m` or `1h30m`, or an expression that gives one',
    description: 'Pauses the run, e.g. `5m`.',
  },
  assert: {
    type: ['string', 'boolean'],
    wanted: 'a CEL expression',
    description: 'The step fails unless this CEL expression is true.',
  },
  pointOfNoReturn: {
    type: 'string',
    description: 'What was done before is not undone any more; this says why. Only in the outermost `steps`.',
  },
};

/** Further keys of these kinds. */
const besides: Partial<Record<string, Record<string, RunbookSchema>>> = {
  forEach: { steps: { $ref: '#/$defs/steps' } },
  assert: { message: { type: 'string', description: 'What is said when it fails. May hold expressions.' } },
};

/** The schema of the first condition that holds. */
type Case = [condition: RunbookSchema, schema: RunbookSchema];

function choice([[condition, schema], ...rest]: [Case, ...Case[]]): RunbookSchema {
  if (rest.length === 0) return schema;
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  return { if: condition, then: schema, else: choice(rest as [Case, ...Case[]]) };
}

const stepProperties: Record<string, RunbookSchema> = {
  id: { $ref: '#/$defs/id' },
  name: { type: 'string', description: 'For people. May hold expressions.' },
  when: { type: ['string', 'boolean'], description: 'The step is skipped when this CEL expression is false.' },
};

function actionStepSchema(action: ActionSignature): RunbookSchema {
  const inputs = JSON.parse(JSON.stringify(action.inputs)) as RunbookSchema;
  const needsInputs = (inputs.required ?? []).length > 0;
  return {
    type: 'object',
    title: action.title,
    description: action.summary,
    required: needsInputs ? ['uses', 'with'] : ['uses'],
    additionalProperties: false,
    properties: {
      ...stepProperties,
      uses: { type: 'string', const: action.name, description: action.summary },
      with: { ...objectWithTemplates(inputs), description: `Inputs of \`${action.name}\`.` },
      retry: { $ref: '#/$defs/retry' },
      timeout: { $ref: '#/$defs/duration', description: 'The step fails when it takes longer, e.g. `30m`.' },
      rollback: { $ref: '#/$defs/rollback' },
    },
  };
}

function objectWithTemplates(schema: RunbookSchema): RunbookSchema {
  const properties = Object.entries(schema.properties ?? {}).map(([name, property]) => [name, withTemplates(property)]);
  return {
    additionalProperties: false,
    ...schema,
    ...(schema.properties ? { properties: Object.fromEntries(properties) } : {}),
  };
}

/** The same schema, but a template may stand for the value and for every value inside it. */
function withTemplates(schema: RunbookSchema): RunbookSchema {
  if (
    schema.type === 'string' &&
    schema.pattern === undefined &&
    schema.enum === undefined &&
    schema.const === undefined
  )
    return schema;
  const { description, default: fallback, ...bare } = schema;
  let inner: RunbookSchema = bare;
  if (schema.type === 'array' && typeof schema.items === 'object')
    inner = { ...bare, items: withTemplates(schema.items) };
  else if (schema.type === 'object') {
    inner = schema.properties
      ? objectWithTemplates(bare)
      : typeof schema.additionalProperties === 'object'
        ? { ...bare, additionalProperties: withTemplates(schema.additionalProperties) }
        : bare;
  }
  return {
    anyOf: [...(inner.anyOf && Object.keys(inner).length === 1 ? inner.anyOf : [inner]), templateRef],
    ...(description === undefined ? {} : { description }),
    ...(fallback === undefined ? {} : { default: fallback }),
  };
}
