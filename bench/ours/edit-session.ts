// node edit-session.cjs SERVICE [FOLDER]: somebody opens a runbook of 10,000 lines and types a line in it; after every fourth key there are diagnostics,
// completion and hover. SERVICE is the file of our editor, or `rival` with the folder of yaml-language-server. Says what memory that took.
import { createRequire } from 'node:module';
import { type EditorService, rivalService } from '../editor-service';
import { typing } from '../typing';

async function main(): Promise<void> {
  const [side = '', folder = ''] = process.argv.slice(2);
  const service =
    side === 'rival' ? rivalService(folder) : (createRequire(side)(side) as { service(): EditorService }).service();
  const { before, keys, near } = typing(10_000);
  let version = 1;
  await service.validate({ version, text: before });
  for (const { text, offset } of keys.filter((_, index) => index % 4 === 3)) {
    const document = { version: ++version, text };
    await service.validate(document);
    await service.complete(document, offset);
    await service.hover(document, near);
  }
  const { rss } = process.memoryUsage();
  console.log(JSON.stringify({ rss, peak: process.resourceUsage().maxRSS * 1024 }));
}

void main();
