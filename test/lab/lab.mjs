// npm run lab -- up | down | status. Starts the TypeScript below without a build.
import { register } from 'tsx/esm/api';

register();
await import('./cli.ts');
