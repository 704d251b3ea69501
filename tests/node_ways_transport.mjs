// Faithful variants: what a real service may freely choose in transport, caching and downloads.

import { brotliCompressSync, gzipSync } from 'node:zlib';

const way = (name, says, change, more = {}) => ({ name, says, ...more, change });
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const page = (status, title) => ({
  status,
  headers: { 'content-type': 'text/html; charset=UTF-8', server: 'cloudflare' },
  body: Buffer.from(`<!DOCTYPE html>\n<html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>\n`),
});

/** Change every answer once it is complete. */
const everywhere = (edit) => ({
  finish(next, x, answer) {
    const done = next(x, answer);
    edit.call(this, done, x);
    return done;
  },
});
/** Change the headers of every download. */
const onFiles = (edit) => ({
  fileHeaders(next, file, bytes, x) {
    const headers = next(file, bytes, x);
    edit.call(this, headers, file, bytes, x);
    return headers;
  },
});
const withoutRanges = {
  rangeOf: () => null,
  ...onFiles((headers) => { delete headers['accept-ranges']; }),
};
const withoutValidators = {
  isUnchanged: () => false,
  ...onFiles((headers) => { delete headers.etag; delete headers['last-modified']; }),
};

const TRANSPORT = [
  way('transport-close', 'Every answer ends its connection.',
    everywhere(({ headers }) => { headers.connection = 'close'; })),
  way('transport-few-answers', 'A connection is closed after three answers.', (service) => {
    service.server.maxRequestsPerSocket = 3;
    return {};
  }),
  way('transport-idle-closed', 'Idle connections are closed after half a second.', (service) => {
    service.server.keepAliveTimeout = 500;
    return {};
  }),
  way('transport-chunked', 'Every answer is chunked.',
    everywhere((answer) => { answer.framing = 'chunked'; })),
  way('transport-http10', 'Every answer is HTTP/1.0, its end the end of the connection.',
    everywhere((answer) => { answer.framing = 'close'; })),
  way('transport-slow', 'Every answer takes 100 ms longer.', {
    async dispatch(next, x) { await pause(100); return next(x); },
  }),
  way('transport-trickles', 'Every body comes in three pieces, 5 ms apart.',
    everywhere((answer) => { answer.pause = 5; })),
  way('transport-odd-case', 'Header names are in upper case.', everywhere((answer) => {
    answer.headers = Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [name.toUpperCase(), value]));
  })),
  way('transport-gzip', 'JSON is compressed where Accept-Encoding allows it.',
    everywhere((answer, x) => compress(answer, x, /json/))),
  way('transport-brotli', 'JSON is compressed with brotli where Accept-Encoding allows it.',
    everywhere((answer, x) => compress(answer, x, /json/, 'br'))),
  way('transport-no-cors', 'No CORS headers anywhere, preflights are refused with 405.', {
    preflight(next, x) { return this.refused(x, 405, this.texts.method); },
    ...everywhere(({ headers }) => { for (const name of Object.keys(headers)) if (/^access-control/.test(name)) delete headers[name]; }),
  }),
  way('transport-cors-everywhere', 'CORS headers everywhere, downloads too, for the origin that asks.', everywhere(({ headers }, x) => {
    headers['access-control-allow-origin'] = x.headers.origin ?? '*';
    headers['access-control-expose-headers'] = '*';
    headers.vary = 'Origin';
  })),
  way('transport-edge-headers', 'Headers of a content network: ray, alt-svc, cookies, nosniff, age, reports.', everywhere(({ headers }, x) => {
    Object.assign(headers, {
      server: 'cloudflare', 'cf-ray': '8f1d2c3b4a5e6f70-FRA', 'alt-svc': 'h3=":443"; ma=86400', vary: 'Accept-Encoding',
      'x-content-type-options': 'nosniff', nel: '{"success_fraction":0,"report_to":"cf-nel","max_age":604800}',
      'strict-transport-security': 'max-age=15552000', 'set-cookie': '__cf_bm=a.b-1; path=/; HttpOnly; SameSite=None',
    });
    if (x.isDownload) Object.assign(headers, { 'cf-cache-status': 'HIT', age: '17' });
  })),
  way('transport-clockless', 'The clock cannot be moved.', (service) => {
    service.control = false;
    return {};
  }),
  way('transport-refuses-early', 'A request without a valid key is answered before its body was read.', {
    async receive(next, x) {
      if (!x.route || this.authorize(x)) return next(x);
      x.body = Buffer.alloc(0);
      x.request.on('error', () => {}).resume();
      return undefined;
    },
  }),
  way('transport-busy-now-and-then', 'Every 37th request is answered 429 with Retry-After: 1.', () => occasionally(37, () => {
    const object = { success: false, code: 429, msg: 'Too many requests' };
    return { status: 429, headers: { 'content-type': 'application/json', 'retry-after': '1' }, object };
  })),
  way('transport-gateway-now-and-then', 'Every 61st request is answered 502 by the page of a gateway.',
    () => occasionally(61, () => page(502, '502 Bad Gateway'))),
  way('transport-many-reads-limited', 'A link that is read five times within half a second answers 429 for the rest of it.', () => {
    const reads = new Map();
    return {
      takeDownload(next, x) {
        const recent = (reads.get(x.path) ?? []).filter((at) => Date.now() - at < 500);
        reads.set(x.path, [...recent, Date.now()].slice(-5));
        return recent.length < 5 ? next(x) : withRetry(page(429, 'Too Many Requests'));
      },
    };
  }),
  way('transport-gateway-pages', 'A path that is no route is answered 404 with a page of HTML.',
    { lost: () => page(404, '404 Not Found') }),
  way('transport-routes-redirect', 'A route with a slash at its end redirects to the one without, 308.', {
    lost(next, x) {
      const bare = x.path.slice(0, -1);
      if (!x.path.endsWith('/') || !this.routeOf({ path: bare })) return next(x);
      return { status: 308, headers: { location: bare }, body: Buffer.alloc(0) };
    },
  }),
];

function compress(answer, x, types, coding = 'gzip') {
  const wanted = new RegExp(`(^|[, ])${coding}\\b(?!;q=0(\\D|$))`, 'i').test(x.headers['accept-encoding'] ?? '');
  if (!wanted || !answer.body?.length || !types.test(answer.headers['content-type'] ?? '')) return;
  answer.body = (coding === 'br' ? brotliCompressSync : gzipSync)(answer.body);
  Object.assign(answer.headers, { 'content-encoding': coding, vary: 'Accept-Encoding' });
  if (answer.headers.etag) answer.headers.etag = `W/${answer.headers.etag}`;
}

function withRetry(answer) {
  answer.headers['retry-after'] = '1';
  return answer;
}

function occasionally(period, answered) {
  let count = 0;
  return {
    async dispatch(next, x) {
      if (x.path.startsWith('/__mockkie')) return next(x);
      count += 1;
      if (count % period) return next(x);
      await this.receive(x);
      return answered();
    },
  };
}

const goneWith = (answer) => ({ gone: () => answer() });

const DOWNLOADS = [
  way('downloads-no-head', 'HEAD of a link answers 405.',
    { isReading(next, x) { return x.method === 'GET'; } }),
  way('downloads-no-head-501', 'HEAD of a link answers 501 without the envelope.', {
    takeDownload(next, x) { return x.method === 'HEAD' ? page(501, 'Not Implemented') : next(x); },
  }),
  way('downloads-plain', 'No ranges, no ETag, no Last-Modified, no Cache-Control.', {
    rangeOf: () => null,
    isUnchanged: () => false,
    fileHeaders(next, file) { return { 'content-type': file.servedType }; },
  }),
  way('downloads-no-ranges', 'Ranges are ignored.', withoutRanges),
  way('downloads-no-validators', 'Ranges, but neither ETag nor Last-Modified.', withoutValidators),
  way('downloads-weak-etag', 'ETags are weak and tell size and time only.', {
    etagOf(next, file) { return `W/"${file.size.toString(16)}-${file.at.toString(16)}-${file.source.bytes.subarray(0, 8).toString('hex')}"`; },
    rangeOf(next, x, headers, length) { return x.headers['if-range'] ? null : next(x, headers, length); },
  }),
  way('downloads-compressed', 'Text is compressed on the way where Accept-Encoding allows it.', everywhere((answer, x) => {
    if (x.isDownload && answer.status === 200) compress(answer, x, /^text\/|json|xml|svg|javascript/);
  })),
  way('downloads-attachment', 'Files are served with Content-Disposition and a private cache rule.', onFiles((headers, file) => {
    headers['content-disposition'] = `attachment; filename*=UTF-8''${encodeURIComponent(file.fileName)}`;
    headers['cache-control'] = 'private, no-store';
  })),
  way('downloads-head-without-length', 'HEAD tells no length.', everywhere((answer, x) => {
    if (x.isDownload && x.method === 'HEAD') answer.framing = 'chunked';
  })),
  way('downloads-stale', 'The old bytes are served for 1.5 s after an overwrite.', {
    keep(next, x, file) {
      const old = this.files.get(file.key);
      const kept = next(x, file);
      if (old && this.isAlive(old)) kept.before = { file: old, until: performance.now() + 1500, clock: this.clock.now() + 1500 };
      return kept;
    },
    serve(next, x, file) {
      const { before } = file;
      const stale = before && performance.now() < before.until && this.clock.now() < before.clock && this.isAlive(before.file);
      return next(x, stale ? before.file : file);
    },
  }),
  way('downloads-edge-cache', 'A link is served for one second as it was read before.', () => {
    const cache = new Map();
    return {
      serve(next, x, file) {
        const kept = cache.get(file.key);
        const fresh = kept && performance.now() < kept.until && this.clock.now() < kept.clock && this.isAlive(kept.file);
        if (!fresh) cache.set(file.key, { file, until: performance.now() + 1000, clock: this.clock.now() + 1000 });
        return next(x, fresh ? kept.file : file);
      },
    };
  }),
  way('downloads-gone-410', 'A dead link answers 410 with an empty body.',
    goneWith(() => ({ status: 410, headers: {}, body: Buffer.alloc(0) }))),
  way('downloads-gone-403-xml', 'A dead link answers 403 with XML.', goneWith(() => ({
    status: 403, headers: { 'content-type': 'application/xml' }, body: Buffer.from('<Error><Code>AccessDenied</Code></Error>'),
  }))),
  way('downloads-gone-html', 'A dead link answers 404 with a page of HTML.',
    goneWith(() => page(404, 'Object not found'))),
  way('downloads-expired-410', 'An expired link answers 410, an unknown one 404, both as plain text.', {
    gone(next, x, link) {
      const known = link !== undefined && this.files.has(this.keyOf(link));
      return { status: known ? 410 : 404, headers: { 'content-type': 'text/plain' }, body: Buffer.from('gone\n') };
    },
  }),
  way('downloads-swept', 'Expired files are collected on whole seconds of the clock, up to one second late.', {
    expiry(next, file) { return Math.ceil(next(file) / 1000) * 1000; },
  }, { arguable: true }),
  way('downloads-other-methods', 'Other methods of a link answer 403 with XML, OPTIONS 204.', {
    linkMethod(next, x) {
      if (x.method === 'OPTIONS') return { status: 204, headers: { allow: 'GET, HEAD, OPTIONS' }, body: Buffer.alloc(0) };
      return { status: 403, headers: { 'content-type': 'application/xml' }, body: Buffer.from('<Error><Code>Forbidden</Code></Error>') };
    },
  }),
];

export const WAYS_OF_TRANSPORT = [...TRANSPORT, ...DOWNLOADS];
