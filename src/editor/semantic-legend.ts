// In a file of its own: who registers the feature needs it before any document is open.

export const tokenTypes = [
  'keyword',
  'property',
  'function',
  'method',
  'variable',
  'parameter',
  'namespace',
  'type',
  'enum',
  'enumMember',
  'string',
  'number',
  'operator',
  'comment',
] as const;
export type TokenType = (typeof tokenTypes)[number];
export const tokenModifiers = ['declaration', 'readonly', 'defaultLibrary'] as const;
export type TokenModifier = (typeof tokenModifiers)[number];

/** What the numbers of `semanticTokens` stand for; names of the protocol, so every theme knows them. */
export const semanticLegend: { tokenTypes: string[]; tokenModifiers: string[] } = {
  tokenTypes: [...tokenTypes],
  tokenModifiers: [...tokenModifiers],
};
