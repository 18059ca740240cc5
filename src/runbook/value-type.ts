import type { Json } from './json';

/** What is known of a value before anything runs. `any`: nothing, so nothing is said about it. */
export type ValueType =
  | { kind: 'any' | 'null' | 'string' | 'number' | 'integer' | 'boolean'; description?: string }
  | { kind: 'list'; items: ValueType; description?: string }
  /** With `fields`: those keys and no others. Else a map of `values`. `label` names it in messages. */
  | { kind: 'map'; fields?: Record<string, ValueType>; values?: ValueType; label?: string; description?: string };

export const anyType: ValueType = { kind: 'any' };
export const stringType: ValueType = { kind: 'string' };

/** A JSON Schema, as far as it is looked at here. TypeBox schemas are such. */
export interface JsonSchema {
  type?: string | string[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema | boolean;
  additionalProperties?: JsonSchema | boolean;
  anyOf?: JsonSchema[];
  enum?: Json[];
  const?: Json;
  default?: Json;
  description?: string;
  title?: string;
  minimum?: number;
  maximum?: number;
  pattern?: string;
  patternProperties?: Record<string, JsonSchema>;
  format?: string;
  $ref?: string;
  /** What a string names, so that it can be checked and completed: `vm`, `host`, `proxy`, `datastore`, `snapshot`. */
  'x-virtbook'?: string;
}

export function typeOfSchema(schema: JsonSchema | boolean | undefined, label?: string): ValueType {
  if (schema === undefined || typeof schema === 'boolean') return anyType;
  const type = typeOfBareSchema(schema, label);
  return schema.description === undefined || type.description !== undefined
    ? type
    : { ...type, description: schema.description };
}

function typeOfBareSchema(schema: JsonSchema, label?: string): ValueType {
  if (schema.const !== undefined) return typeOfValue(schema.const);
  if (schema.enum) return common(schema.enum.map(typeOfValue));
  if (schema.anyOf) return common(schema.anyOf.map(option => typeOfSchema(option)));
  switch (schema.type) {
    case 'string':
      return stringType;
    case 'integer':
    case 'number':
    case 'boolean':
    case 'null':
      return { kind: schema.type };
    case 'array':
      return { kind: 'list', items: typeOfSchema(schema.items) };
    case 'object': {
      if (!schema.properties) {
        const values = schema.additionalProperties ?? Object.values(schema.patternProperties ?? {})[0];
        return { kind: 'map', values: typeOfSchema(values) };
      }
      // Keys beyond those listed are possible unless the schema rules them out, and then they are not known.
      if (schema.additionalProperties !== undefined && schema.additionalProperties !== false) return anyType;
      const fields: Record<string, ValueType> = {};
      for (const [name, property] of Object.entries(schema.properties)) fields[name] = typeOfSchema(property);
      return { kind: 'map', fields, label };
    }
    default:
      return anyType;
  }
}

export function typeOfValue(value: Json): ValueType {
  if (value === null) return { kind: 'null' };
  if (Array.isArray(value)) return { kind: 'list', items: common(value.map(typeOfValue)) };
  switch (typeof value) {
    case 'string':
      return stringType;
    case 'boolean':
      return { kind: 'boolean' };
    case 'number':
      return { kind: Number.isInteger(value) ? 'integer' : 'number' };
    default:
      return { kind: 'map', values: common(Object.values(value).map(typeOfValue)) };
  }
}

function common(types: ValueType[]): ValueType {
  const [first] = types;
  if (!first) return anyType;
  const text = JSON.stringify(first);
  return types.every(type => JSON.stringify(type) === text) ? first : anyType;
}

/** For people: `list of strings`. */
export function describeType(type: ValueType, many = false): string {
  switch (type.kind) {
    case 'any':
      return many ? 'values' : 'any value';
    case 'null':
      return 'null';
    case 'list':
      return `${many ? 'lists' : 'list'} of ${describeType(type.items, true)}`;
    case 'map':
      return (
        type.label ??
        (type.values && type.values.kind !== 'any'
          ? `${many ? 'maps' : 'map'} of ${describeType(type.values, true)}`
          : many
            ? 'maps'
            : 'map')
      );
    case 'integer':
      return many ? 'whole numbers' : 'whole number';
    default:
      return many ? `${type.kind}s` : type.kind;
  }
}

/** Whether a value of type `found` may stand where the schema is; true when it can't be told. */
export function fitsSchema(found: ValueType, schema: JsonSchema | boolean | undefined): boolean {
  if (schema === undefined || typeof schema === 'boolean' || found.kind === 'any') return true;
  if (schema.anyOf) return schema.anyOf.some(option => fitsSchema(found, option));
  if (schema.const !== undefined) return sameKind(found, typeOfValue(schema.const));
  if (schema.enum) return schema.enum.some(value => sameKind(found, typeOfValue(value)));
  const types = Array.isArray(schema.type) ? schema.type : schema.type ? [schema.type] : undefined;
  if (!types) return true;
  return types.some(type => {
    switch (type) {
      case 'array':
        return found.kind === 'list' && fitsSchema(found.items, schema.items);
      case 'object':
        return found.kind === 'map';
      // A number may well be whole; only running shows it.
      case 'integer':
        return found.kind === 'integer' || found.kind === 'number';
      case 'number':
        return found.kind === 'integer' || found.kind === 'number';
      default:
        return found.kind === type;
    }
  });
}

function sameKind(left: ValueType, right: ValueType): boolean {
  const number = (type: ValueType) => (type.kind === 'integer' ? 'number' : type.kind);
  return number(left) === number(right);
}

/** For people: what a schema wants, e.g. `string`, `one of "a", "b"`. */
export function describeSchema(schema: JsonSchema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return `one of ${schema.enum.map(value => JSON.stringify(value)).join(', ')}`;
  if (schema.anyOf) {
    if (schema.anyOf.every(option => option.const !== undefined))
      return `one of ${schema.anyOf.map(option => JSON.stringify(option.const)).join(', ')}`;
    return [...new Set(schema.anyOf.map(describeSchema))].join(' or ');
  }
  return describeType(
    typeOfSchema({ ...schema, properties: undefined, additionalProperties: undefined, description: undefined }),
  );
}

/** For people: `a list of strings`, `an integer`. */
export function withArticle(text: string): string {
  return /^(any|one of|map$|list)/.test(text)
    ? text === 'map' || text.startsWith('list')
      ? `a ${text}`
      : text
    : /^[aeiou]/.test(text)
      ? `an ${text}`
      : `a ${text}`;
}
