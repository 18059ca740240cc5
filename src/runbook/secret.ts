/** Stands wherever the value of a secret input would: in plans, journals, logs and messages. */
export function secretMark(name: string): string {
  return `‹secret ${name}›`;
}

/** Finds marks in a text; group 1 is the name of the input. */
export function secretMarks(): RegExp {
  return /‹secret ([A-Za-z][A-Za-z0-9_-]*)›/g;
}

/** Environment variable that a secret input is read from. */
export function secretVariable(name: string, env?: string): string {
  return env ?? `VIRTBOOK_SECRET_${name.toUpperCase().replaceAll('-', '_')}`;
}
