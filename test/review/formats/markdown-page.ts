import MarkdownIt from 'markdown-it';
import { micromark } from 'micromark';
import { gfm, gfmHtml } from 'micromark-extension-gfm';
import { type DefaultTreeAdapterTypes, parseFragment } from 'parse5';

type Node = DefaultTreeAdapterTypes.ChildNode | DefaultTreeAdapterTypes.ParentNode;

/** Markdown as GitHub and GitLab read it (they follow the specification of GFM), made into elements. */
export function gfmPage(markdown: string): Page {
  return new Page(micromark(markdown, { extensions: [gfm()], htmlExtensions: [gfmHtml()], allowDangerousHtml: true }));
}

/** The same by another reader, which makes links of all that looks like one, as Gitea does. */
export function otherPage(markdown: string): Page {
  return new Page(new MarkdownIt({ html: true, linkify: true }).render(markdown));
}

export class Page {
  private readonly root: DefaultTreeAdapterTypes.DocumentFragment;

  constructor(html: string) {
    this.root = parseFragment(html);
  }

  /** Names of elements, in order of the document, with how deep they stand. */
  outline(leftOut: readonly string[] = []): string[] {
    const found: string[] = [];
    walk(this.root, (node, depth) => {
      if ('tagName' in node && !leftOut.includes(node.tagName)) found.push(`${depth} ${node.tagName}`);
    });
    return found;
  }

  count(tag: string): number {
    return this.outline().filter(line => line.endsWith(` ${tag}`)).length;
  }

  attributes(): string[] {
    const found: string[] = [];
    walk(this.root, node => {
      if ('attrs' in node) found.push(...node.attrs.map(({ name, value }) => `${name}=${value}`));
    });
    return found;
  }

  /** What people read, without code and links: where readers of Markdown look for mentions and references. */
  looseText(): string[] {
    const found: string[] = [];
    walk(this.root, (node, _, isQuoted) => {
      if (node.nodeName === '#text' && 'value' in node && !isQuoted) found.push(node.value);
    });
    return found;
  }

  text(): string {
    const found: string[] = [];
    walk(this.root, node => {
      if (node.nodeName === '#text' && 'value' in node) found.push(node.value);
    });
    return found.join('').replace(/\s+/g, ' ');
  }

  /** Cells of the n-th table, row by row, the head first. */
  table(nth: number): string[][] {
    let at = -1;
    const rows: string[][] = [];
    walk(this.root, node => {
      if (!('tagName' in node)) return;
      if (node.tagName === 'table') at++;
      if (at !== nth) return;
      if (node.tagName === 'tr') rows.push([]);
      if (node.tagName === 'td' || node.tagName === 'th') rows.at(-1)!.push(textOf(node));
    });
    return rows;
  }
}

function textOf(node: Node): string {
  if (node.nodeName === '#text' && 'value' in node) return node.value;
  return 'childNodes' in node ? node.childNodes.map(textOf).join('') : '';
}

function walk(node: Node, visit: (node: Node, depth: number, isQuoted: boolean) => void, depth = 0, quoted = false) {
  visit(node, depth, quoted);
  if (!('childNodes' in node)) return;
  const inside = quoted || ('tagName' in node && (node.tagName === 'code' || node.tagName === 'a'));
  for (const child of node.childNodes) walk(child, visit, depth + 1, inside);
}
