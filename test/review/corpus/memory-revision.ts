import { contentOf } from '../../../src/review/file-content';
import type { FileContent, Revision } from '../../../src/review/revision';
import type { Files } from './pair';

/** A revision in memory. `slowly`: how many turns of the event loop a read takes, so that files arrive in another order. */
export function memoryRevision(label: string, files: Files, slowly: (path: string) => number = () => 0): Revision {
  return {
    name: { label },
    async read(path): Promise<FileContent> {
      for (let turns = slowly(path); turns > 0; turns--) await new Promise(resolve => setImmediate(resolve));
      const bytes = files.get(path);
      return bytes ? contentOf(bytes) : { kind: 'missing' };
    },
    async mentioning(words, among = 'runbooks') {
      const ending = among === 'runbooks' ? /\.runbook\.ya?ml$/i : /\.inventory\.ya?ml$/i;
      const found = [...files].filter(([path, bytes]) => {
        const text = bytes.toString('latin1');
        return ending.test(path) && words.some(word => text.includes(word));
      });
      return found.map(([path]) => path).sort();
    },
  };
}
