// Step: which command line there is, and if none, by which key a built one is kept in the cache.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { builtCli, root } from '../cli.mjs';
import { fail, setOutputs } from './workflow.mjs';

/** All that a build is made from. */
const sources = ['package.json', 'package-lock.json', 'tsconfig.json', 'scripts', 'src'];

function sourceHash() {
  const hash = createHash('sha256');
  const add = name => {
    hash.update(`${name}\0`).update(
      createHash('sha256')
        .update(readFileSync(path.join(root, name)))
        .digest(),
    );
  };
  for (const name of sources) {
    if (path.extname(name) !== '') add(name);
    else {
      const inside = readdirSync(path.join(root, name), { recursive: true, withFileTypes: true });
      const files = inside.filter(one => one.isFile()).map(one => path.relative(root, path.join(one.path, one.name)));
      for (const file of files.map(one => one.replaceAll(path.sep, '/')).sort()) add(file);
    }
  }
  return hash.digest('hex');
}

try {
  if (process.env.VIRTBOOK_CLI || existsSync(builtCli)) setOutputs({ build: 'false' });
  else {
    const [major] = process.versions.node.split('.');
    setOutputs({ build: 'true', dist: path.dirname(builtCli), key: `virtbook-node${major}-${sourceHash()}` });
  }
} catch (error) {
  fail(error);
}
