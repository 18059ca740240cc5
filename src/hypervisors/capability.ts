/** What a connection can do. Actions name what they need; the editor and the plan compare. */
export const capabilities = [
  'power',
  'snapshot',
  'snapshot.memory',
  'snapshot.quiesce',
  'migrate.live',
  'migrate.storage',
  'backup.image',
  'guest.agent',
  'events',
  'console',
] as const;
export type Capability = (typeof capabilities)[number];

/** How a capability of a hypervisor was proven: on the real thing, on its maker's simulator, or only on a fake of ours. */
export type Proof = 'real' | 'official simulator' | 'own fake only';
