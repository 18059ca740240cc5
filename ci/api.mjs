// Requests to the API of GitHub, Gitea, Forgejo or GitLab.

/** The answer said no, or there was none. */
export class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** The answer's data and headers. @throws ApiError */
export async function request(url, { method = 'GET', headers, body }) {
  let response;
  let text;
  try {
    response = await fetch(url, {
      method,
      headers: {
        'user-agent': 'virtbook-review',
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
    text = await response.text();
  } catch (error) {
    throw new ApiError(
      `${method} ${pathOf(url)}: ${error instanceof Error ? (error.cause?.message ?? error.message) : error}`,
    );
  }
  if (!response.ok) {
    const message = `${method} ${pathOf(url)} was answered with ${response.status}: ${text.slice(0, 300)}`;
    throw new ApiError(message, response.status);
  }
  try {
    return { data: JSON.parse(text), headers: response.headers };
  } catch {
    throw new ApiError(`${method} ${pathOf(url)} was not answered with JSON: ${text.slice(0, 300)}`, response.status);
  }
}

/** All items of a list that comes in pages; the next page must be at the same server, which is the only one to see the token. */
export async function* pages(url, headers) {
  let next = url;
  const seen = new Set();
  while (next !== undefined && !seen.has(next)) {
    seen.add(next);
    const answer = await request(next, { headers });
    if (!Array.isArray(answer.data)) throw new ApiError(`GET ${pathOf(next)} was not answered with a list.`);
    yield* answer.data;
    const link = /<([^>]+)>;[^,]*rel="next"/.exec(answer.headers.get('link') ?? '')?.[1];
    next =
      link !== undefined && new URL(link, next).origin === new URL(url).origin ? new URL(link, next).href : undefined;
  }
}

function pathOf(url) {
  return new URL(url).pathname;
}
