import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Comment {
  id: number;
  author: string;
  body: string;
}

export interface Asked {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  body: unknown;
}

/** How a forge words it. */
export interface Forge {
  /** The list of comments, and where one is made. */
  list: string;
  /** Of one comment. */
  one(id: number): string;
  /** How one is changed. */
  update: 'PATCH' | 'PUT';
  shown(comment: Comment): unknown;
  /** Other questions that it answers. */
  others?: Record<string, unknown>;
}

/** The calls of a forge's API that CI uses, on loopback. Everything else is answered with 404. */
export class CommentServer {
  readonly comments: Comment[] = [];
  readonly asked: Asked[] = [];
  /** All that writes is answered with this. */
  refuse: number | undefined;

  private constructor(
    private readonly server: Server,
    private readonly forge: Forge,
    /** Who its callers write as. */
    private readonly caller: string,
  ) {}

  static async start(forge: Forge, caller: string): Promise<CommentServer> {
    const server = createServer();
    const made = new CommentServer(server, forge, caller);
    server.on('request', (request, response) => {
      let text = '';
      request.setEncoding('utf8').on('data', data => {
        text += data;
      });
      request.on('end', () => {
        const { status, data, link } = made.#answer(request, text === '' ? undefined : JSON.parse(text));
        response.writeHead(status, { 'content-type': 'application/json', ...(link !== undefined && { link }) });
        response.end(JSON.stringify(data));
      });
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    return made;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  add(author: string, body: string): Comment {
    const comment = { id: 1000 + this.comments.length, author, body };
    this.comments.push(comment);
    return comment;
  }

  /** Those that change something. */
  get writes(): Asked[] {
    return this.asked.filter(({ method }) => method !== 'GET');
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise(resolve => this.server.close(resolve));
  }

  #answer(request: IncomingMessage, body: unknown): { status: number; data: unknown; link?: string } {
    const { method = '', headers } = request;
    const url = new URL(request.url ?? '/', this.address);
    this.asked.push({ method, path: url.pathname, headers, body });
    const { forge } = this;
    if (method === 'GET' && forge.others && url.pathname in forge.others)
      return { status: 200, data: forge.others[url.pathname] };
    if (method === 'GET' && url.pathname === forge.list) return this.#page(url);
    if (method !== 'GET' && this.refuse !== undefined) {
      return { status: this.refuse, data: { message: 'Resource not accessible by integration' } };
    }
    const text = (body as { body?: unknown } | undefined)?.body;
    if (method === 'POST' && url.pathname === forge.list && typeof text === 'string')
      return { status: 201, data: forge.shown(this.add(this.caller, text)) };
    const found = this.comments.find(one => forge.one(one.id) === url.pathname);
    if (method === forge.update && found && typeof text === 'string') {
      found.body = text;
      return { status: 200, data: forge.shown(found) };
    }
    return { status: 404, data: { message: 'Not Found' } };
  }

  #page(url: URL): { status: number; data: unknown; link?: string } {
    const size = Math.min(100, Number(url.searchParams.get('per_page') ?? 30));
    const page = Number(url.searchParams.get('page') ?? 1);
    const data = this.comments.slice((page - 1) * size, page * size).map(this.forge.shown);
    if (page * size >= this.comments.length) return { status: 200, data };
    const next = new URL(url);
    next.searchParams.set('page', String(page + 1));
    return { status: 200, data, link: `<${url.href}>; rel="first", <${next.href}>; rel="next"` };
  }
}
