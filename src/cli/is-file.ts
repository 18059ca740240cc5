import { stat } from 'node:fs/promises';

/** Whether it is there at all, for a file that is looked for. */
export async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    info => info.isFile(),
    () => false,
  );
}
