import { Type } from 'typebox';

/**
 * What a string in `with:` names. The schemas carry it as the keyword `x-virtbook`; the editor completes it and checks it against the
 * inventory.
 */
export const referenceKinds = ['vm', 'host', 'vms', 'proxy', 'snapshot', 'datastore'] as const;
export type ReferenceKind = (typeof referenceKinds)[number];
export const referenceKeyword = 'x-virtbook';

function reference(kind: ReferenceKind, description: string) {
  return Type.String({ minLength: 1, description, [referenceKeyword]: kind });
}

export const vmReference = (description = 'The VM, by name or uuid.') => reference('vm', description);
export const hostReference = (description: string) => reference('host', description);
export const proxyReference = (description: string) => reference('proxy', description);
export const snapshotReference = (description: string) => reference('snapshot', description);

/** Inputs and outputs name exactly what there is, so that a typing error is an error. */
export const closed = { additionalProperties: false };
