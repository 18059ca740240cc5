import { actions } from '../../actions/catalogue';
import { referenceKeyword } from '../../actions/references';
import { inputSchemas, requiredInputs } from '../../runbook/check-context';

/** An action that can be done with something of the inventory. */
export interface Insertable {
  uses: string;
  title: string;
  summary: string;
  /** Input that takes it. */
  input: string;
  /** Other inputs that have to be given. */
  fill: string[];
}

/** Actions with an input for such a thing. */
export function insertable(kind: 'vm' | 'host'): Insertable[] {
  return actions.flatMap(action => {
    const schemas = Object.entries(inputSchemas(action));
    const input = schemas.find(([, schema]) => Reflect.get(schema, referenceKeyword) === kind)?.[0];
    if (input === undefined) return [];
    const fill = requiredInputs(action).filter(name => name !== input);
    return [{ uses: action.name, title: action.title, summary: action.summary, input, fill }];
  });
}
