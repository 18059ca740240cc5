import type { ActionSignature } from './check-context';
import { durationPattern } from './duration';
import { inputTypes } from './read-runbook';
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
      steps: { $ref: '#/$defs/steps' },
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
              'Type of the value. `hosts` and `vms` take names, `group:NAME` or `tag:NAME`, and become a list of names.',
          },
          description: { type: 'string', description: 'Shown where the value is asked for.' },
          default: { description: 'Used when nothing is given. Without it the input must be given.' },
          enum: { type: 'array', description: 'Values that are allowed.' },
        },
      },
      steps: {
        type: 'array',
        minItems: 1,
        description: 'Steps, run from top to bottom.',
        items: { $ref: '#/$defs/step' },
      },
      step: {
        type: 'object',
        wanted: 'a map with `uses`, `forEach` or `steps`',
        if: { required: ['uses'] },
        // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
        then: {
          type: 'object',
          required: ['uses'],
          discriminator: { propertyName: 'uses' },
          oneOf: sorted.map(action => ({ $ref: `#/$defs/action:${action.name}` })),
        },
        else: {
          if: { required: ['forEach'] },
          // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
          then: { $ref: '#/$defs/forEachStep' },
          else: {
            if: { required: ['steps'] },
            // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
            then: { $ref: '#/$defs/groupStep' },
            else: { $ref: '#/$defs/untypedStep' },
          },
        },
      },
      untypedStep: {
        type: 'object',
        required: ['uses'],
        properties: {
          ...stepProperties,
          uses: { type: 'string', description: 'The action.', enum: sorted.map(action => action.name) },
          forEach: { $ref: '#/$defs/forEach' },
          steps: { $ref: '#/$defs/steps' },
        },
      },
      forEach: {
        type: 'object',
        description:
          'Runs the steps once per item: `{ host: "${{ inputs.hosts }}", batch: 2, maxFailures: 1 }`. The key that is neither `batch` nor `maxFailures` names the loop variable.',
        properties: {
          batch: { type: 'integer', minimum: 1, default: 1, description: 'How many items at once.' },
          maxFailures: {
            type: 'integer',
            minimum: 0,
            default: 0,
            description: 'How many items may fail before no further item is started and the run fails.',
          },
        },
        patternProperties: {
          [`^(?!(batch|maxFailures)$)${variablePattern}$`]: {
            anyOf: [{ type: 'array' }, templateRef],
            wanted: 'a list, or an expression that gives one',
          },
        },
        additionalProperties: false,
      },
      forEachStep: {
        type: 'object',
        required: ['forEach', 'steps'],
        additionalProperties: false,
        properties: { ...stepProperties, forEach: { $ref: '#/$defs/forEach' }, steps: { $ref: '#/$defs/steps' } },
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
