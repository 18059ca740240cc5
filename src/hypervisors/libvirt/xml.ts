import { XMLParser } from 'fast-xml-parser';

/** One element. Everything in it is read through the functions below, which expect nothing to be there. */
export interface XmlNode {
  readonly [name: string]: unknown;
}

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  textNodeName: '#text',
  parseTagValue: false,
  parseAttributeValue: false,
  // Every element is a list of one or more: nothing depends on how many there happen to be.
  isArray: (_name, _path, _leaf, isAttribute) => !isAttribute,
});

/** @returns the root element. @throws Error when it is not `root`. */
export function parseXml(text: string, root: string): XmlNode {
  const document: unknown = parser.parse(text);
  const node = isNode(document) ? children(document, root)[0] : undefined;
  if (!node) throw new Error(`Expected <${root}> in XML from libvirt, found ${text.slice(0, 60)}`);
  return node;
}

function isNode(value: unknown): value is XmlNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function children(node: XmlNode | undefined, name: string): XmlNode[] {
  const found = node?.[name];
  if (!Array.isArray(found)) return [];
  // An element with nothing but text is parsed to a string.
  return found.map((one: unknown) => (isNode(one) ? one : { '#text': one }));
}

/** Follows the first child of each name. */
export function child(node: XmlNode | undefined, ...path: string[]): XmlNode | undefined {
  return path.reduce<XmlNode | undefined>((at, name) => children(at, name)[0], node);
}

export function attribute(node: XmlNode | undefined, name: string): string | undefined {
  const value = node?.[`@${name}`];
  return typeof value === 'string' ? value : undefined;
}

/** Trimmed text of the element itself. */
export function text(node: XmlNode | undefined): string | undefined {
  const value = node?.['#text'];
  return value === undefined || value === null ? undefined : String(value).trim();
}

const entities: Record<string, string> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', "'": '&apos;', '"': '&quot;' };

/** For text and for attributes in either kind of quotes. */
export function escapeXml(value: string): string {
  return value.replace(/[<>&'"]/g, c => entities[c] ?? c);
}

/** A number with the unit libvirt writes beside it (`bytes`, `KiB`, …), in bytes. */
export function sized(node: XmlNode | undefined, defaultUnit: 'bytes' | 'KiB' = 'bytes'): number | undefined {
  const value = Number(text(node) ?? Number.NaN);
  if (!Number.isFinite(value)) return undefined;
  const unit = attribute(node, 'unit') ?? defaultUnit;
  const factors: Record<string, number> = {
    b: 1,
    bytes: 1,
    KiB: 1024,
    k: 1024,
    MiB: 2 ** 20,
    M: 2 ** 20,
    GiB: 2 ** 30,
    G: 2 ** 30,
    TiB: 2 ** 40,
  };
  return value * (factors[unit] ?? 1);
}
