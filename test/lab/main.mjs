// npm run lab -- up | down | status. Starts the TypeScript below without a build.

import { createRequire } from 'node:module';
import { register } from 'tsx/cjs/api';

register();
createRequire(import.meta.url)('./cli.ts');
