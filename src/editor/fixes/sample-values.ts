import type { Json } from '../../runbook/json';
import type { InputType, Runbook } from '../../runbook/model';
import { wholeExpression } from '../../runbook/template';
import type { JsonSchema } from '../../runbook/value-type';
import type { EditorConfig } from '../config';

/** Values to begin with: what is at hand and of the right kind. */
export class SampleValues {
  /** `loops`: variables of the loops around, the innermost last. */
  constructor(
    readonly draft: Runbook,
    readonly loops: readonly { variable: string; in: Json }[],
    readonly config: EditorConfig,
  ) {}

  ofSchema(schema: JsonSchema): Json {
    const kind = schema['x-virtbook'];
    if (kind === 'vm' || kind === 'host') return this.#target(kind);
    if (kind === 'proxy') return first(this.config.inventory?.proxies) ?? 'proxy1';
    if (kind === 'datastore') return first(this.config.inventory?.datastores) ?? 'datastore1';
    if (kind === 'snapshot') return 'before';
    if (schema.default !== undefined) return schema.default;
    if (schema.enum?.[0] !== undefined) return schema.enum[0];
    switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
      case 'boolean':
        return false;
      case 'integer':
      case 'number':
        return Math.max(schema.minimum ?? 1, 1);
      case 'array':
        // A list of words is a command; this one does nothing.
        return [typeof schema.items === 'object' ? this.ofSchema(schema.items) : 'true'];
      case 'object':
        return Object.fromEntries(
          (schema.required ?? []).map(name => [name, this.ofSchema(schema.properties?.[name] ?? {})]),
        );
      default:
        return 'true';
    }
  }

  ofInput(type: InputType): Json {
    switch (type) {
      case 'vm':
      case 'host':
        return this.#target(type);
      case 'vms':
        return [this.#target('vm')];
      case 'hosts':
        return [this.#target('host')];
      case 'list':
        return [];
      case 'number':
        return 1;
      case 'boolean':
        return false;
      case 'secret': {
        const own = Object.entries(this.draft.inputs).find(([, input]) => input.type === 'secret');
        return own ? `\${{ inputs.${own[0]} }}` : '';
      }
      default:
        return '';
    }
  }

  /** The item of a loop around, an input, or the first that the inventory has. */
  #target(kind: 'vm' | 'host'): string {
    for (const { variable, in: list } of this.loops.toReversed()) {
      const source = typeof list === 'string' ? wholeExpression(list)?.source.trim() : undefined;
      const input = source === undefined ? undefined : /^inputs\.([\w-]+)$/.exec(source)?.[1];
      const type = input === undefined ? undefined : this.draft.inputs[input]?.type;
      if (variable === kind || type === `${kind}s`) return `\${{ ${variable} }}`;
    }
    const input = Object.entries(this.draft.inputs).find(([, { type }]) => type === kind);
    if (input) return `\${{ inputs.${input[0]} }}`;
    const { inventory } = this.config;
    return (
      (kind === 'vm'
        ? (first(inventory?.vms) ?? first(inventory?.someVms))
        : (first(inventory?.hosts) ?? first(inventory?.someHosts))) ?? `${kind}1`
    );
  }
}

function first(names: ReadonlySet<string> | undefined): string | undefined {
  return names?.values().next().value;
}
