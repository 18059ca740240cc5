import type { FoundRepository } from './repositories';

/** In a browser nobody gives an extension the earlier versions of files: there, reviews are made of documents. */
export async function repositoriesFor(): Promise<{ repositories: FoundRepository[]; problems: string[] }> {
  return { repositories: [], problems: [] };
}
