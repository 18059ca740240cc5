import type { BuildOptions } from 'esbuild';

export declare const bundleOptions: BuildOptions & { external: string[] };
export declare const webOptions: BuildOptions & { external: string[] };
