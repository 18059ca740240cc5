// Collects the texts that the extension shows through vscode.l10n.t into l10n/bundle.l10n.json, from which translations are made.
//   node scripts/l10n.mjs [--check]     --check: fails when the file is not current
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const bundle = path.join(root, 'l10n/bundle.l10n.json');
const folder = path.join(root, 'src/vscode');
const texts = new Set();
const problems = [];

for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
  if (!name.endsWith('.ts')) continue;
  const file = path.join(folder, name);
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const visit = node => {
    if (ts.isCallExpression(node) && /(^|\.)l10n\.t$/.test(node.expression.getText(source))) {
      const [text] = node.arguments;
      if (text && ts.isStringLiteralLike(text)) texts.add(text.text);
      else {
        const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
        problems.push(`src/vscode/${name}:${line + 1}: the text of l10n.t must be one string literal.`);
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
}

const made = `${JSON.stringify(Object.fromEntries([...texts].sort().map(text => [text, text])), undefined, 2)}\n`;
if (process.argv.includes('--check')) {
  let present = '';
  try {
    present = readFileSync(bundle, 'utf8');
  } catch {}
  if (present !== made) problems.push('l10n/bundle.l10n.json is not current: run `npm run l10n`.');
} else {
  mkdirSync(path.dirname(bundle), { recursive: true });
  writeFileSync(bundle, made);
}
if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exit(1);
}
console.log(`${texts.size} texts.`);
