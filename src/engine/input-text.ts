import type { Json } from '../runbook/json';
import type { InputDefinition } from '../runbook/model';
import { inputFromText } from './plan-inputs';

/** What a person typed for an input, as its value, or what is wrong with it. */
export function parseInput(input: InputDefinition, text: string): { value?: Json; problem?: string } {
  const trimmed = text.trim();
  if (trimmed === '') return { problem: 'A value is needed.' };
  const value = inputFromText(trimmed, input);
  if (input.type === 'number' && typeof value !== 'number') return { problem: `"${trimmed}" is not a number.` };
  if (input.type === 'boolean' && typeof value !== 'boolean') return { problem: 'Type true or false.' };
  if (Array.isArray(value) && value.includes('')) return { problem: 'Separate names with one comma.' };
  if (input.enum && !input.enum.some(allowed => JSON.stringify(allowed) === JSON.stringify(value))) {
    return { problem: `Not one of ${input.enum.join(', ')}.` };
  }
  return { value };
}
