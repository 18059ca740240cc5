import type { Json, JsonObject } from './json';
import type { RunbookSchema } from './schema';

const isTemplateRef = (schema: RunbookSchema) => schema.$ref === '#/$defs/template';

/**
 * The schemas that hold for a value, with references, conditions and discriminators decided by the data; templates left out.
 * Several when they are alternatives.
 */
function resolveSchemas(root: RunbookSchema, schema: RunbookSchema, data: Json | undefined): RunbookSchema[] {
  if (isTemplateRef(schema)) return [];
  if (schema.$ref) {
    const target = root.$defs?.[schema.$ref.replace('#/$defs/', '')];
    if (!target) return [];
    const { $ref: _, ...beside } = schema;
    return resolveSchemas(root, target, data).map(found => ({ ...found, ...beside }));
  }
  const object = data !== null && typeof data === 'object' && !Array.isArray(data) ? data : undefined;
  if (schema.if) {
    const holds = object !== undefined && meets(object, schema.if);
    const branch = holds ? schema.then : schema.else;
    if (!object && schema.wanted) return [schema];
    return branch ? resolveSchemas(root, branch, data) : [schema];
  }
  if (schema.discriminator && schema.oneOf) {
    const tag = schema.discriminator.propertyName;
    const options = schema.oneOf.flatMap(option => resolveSchemas(root, option, data));
    const chosen = options.filter(option => option.properties?.[tag]?.const === object?.[tag]);
    return chosen.length > 0 ? chosen : options;
  }
  if (schema.anyOf) {
    const { anyOf, ...beside } = schema;
    return anyOf.flatMap(option => resolveSchemas(root, option, data)).map(found => ({ ...found, ...beside }));
  }
  return [schema];
}

/** Whether data meets the condition of a choice: keys that are there, and patterns of them. */
function meets(object: JsonObject, condition: RunbookSchema): boolean {
  return (
    (condition.required ?? []).every(key => Object.hasOwn(object, key)) &&
    Object.entries(condition.properties ?? {}).every(([key, { pattern }]) => {
      const value = object[key];
      return pattern === undefined || (typeof value === 'string' && new RegExp(pattern).test(value));
    })
  );
}

/** The schemas for the value at a path. `dataAt(n)` is the data that the first `n` parts of the path lead to. */
export function schemasAt(
  root: RunbookSchema,
  path: readonly string[],
  dataAt: (depth: number) => Json | undefined,
): RunbookSchema[] {
  let schemas = resolveSchemas(root, root, dataAt(0));
  path.forEach((part, depth) => {
    schemas = schemas
      .flatMap(schema => childSchemas(schema, part))
      .flatMap(child => resolveSchemas(root, child, dataAt(depth + 1)));
  });
  return schemas;
}

function childSchemas(schema: RunbookSchema, part: string): RunbookSchema[] {
  const property = schema.properties && Object.hasOwn(schema.properties, part) ? schema.properties[part] : undefined;
  if (property) return [property];
  for (const [pattern, child] of Object.entries(schema.patternProperties ?? {}))
    if (new RegExp(pattern).test(part)) return [child];
  if (typeof schema.additionalProperties === 'object') return [schema.additionalProperties];
  if (typeof schema.items === 'object' && /^\d+$/.test(part)) return [schema.items];
  return [];
}
