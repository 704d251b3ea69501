// Faithful variants: what a real service may freely choose in answers, names, checks and links.
// `arguable` marks the few where a strict reader of the documents could object.

import { createHash, randomUUID } from 'node:crypto';

import { extensionOf, identify, isText, typeOfContent, typeOfName } from './node_media.mjs';
import { Refusal } from './node_service.mjs';

const way = (name, says, change, more = {}) => ({ name, says, ...more, change });

/** Change the object of every JSON answer that an upload is given. */
const inAccepted = (edit) => ({
  accepted(next, x, file) {
    const answer = next(x, file);
    edit.call(this, answer.object, file, x);
    return answer;
  },
});

const PLAIN_SEGMENT = /[^A-Za-z0-9._~!$&'()*+,;=:@-]/gu;
const MANY_NAMES = {
  'image/x-icon': 'image/vnd.microsoft.icon', 'text/javascript': 'application/javascript',
  'application/xml': 'text/xml', 'audio/wav': 'audio/x-wav', 'application/gzip': 'application/x-gzip',
  'application/octet-stream': 'binary/octet-stream', 'application/yaml': 'text/yaml',
};

const LINKS = [
  way('links-observed', 'filePath and link carry kieai/<account>/, data has success: true, as live answers did.', (service) => {
    service.style = 'observed';
    return inAccepted(({ data }) => { data.success = true; });
  }),
  way('links-xxx', 'The first segment of a link is the literal xxx of the pages.', {
    linkOf(next, file) { return `/xxx/${file.filePath}`; },
  }),
  way('links-hashed', 'The first segment of a link is a digest of account and path.', {
    linkOf(next, file) {
      const digest = createHash('sha1').update(`${file.account} ${file.filePath}`).digest('hex');
      return `/${digest.slice(0, 12)}/${file.filePath}`;
    },
  }),
  way('links-other-port', 'Downloads come from an origin of their own; each origin knows its own paths only.', (service) => {
    service.server.ownDownloadPort = true;
    return {};
  }),
  way('links-plain', 'Links escape only what a path segment must escape.', {
    encodeLink(next, link) { return link.split('/').map((part) => part.replace(PLAIN_SEGMENT, encodeURIComponent)).join('/'); },
  }),
  way('links-escaped', 'Links escape all but letters, digits, -, . and _.', {
    encodeLink(next, link) { return next(link).replace(/[!'()*~]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`); },
  }),
  way('links-lower-hex', 'Links use lower-case percent escapes.', {
    encodeLink(next, link) { return next(link).replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase()); },
  }),
  way('links-with-query', 'Links carry a constant query behind the path, and work without it too.', {
    downloadUrl(next, file) { return `${next(file)}?auth=${createHash('sha1').update(file.link).digest('hex').slice(0, 8)}`; },
  }, { arguable: true }),
  way('links-redirect', 'A living link answers 302 to the place of the object; a dead one answers 404.', {
    takeDownload(next, x) {
      if (x.path.startsWith('/r2/')) return next({ ...x, path: x.path.slice(3) });
      const link = this.decodeLink(x.path);
      if (!this.isReading(x) || !link || !this.find(link, x)) return next(x);
      return { status: 302, headers: { location: `/r2${x.path}`, 'cache-control': 'no-store' }, body: Buffer.alloc(0) };
    },
  }),
  way('links-redirect-blindly', 'Every link answers 307 to another path, which answers 403 with XML for dead links.', {
    takeDownload(next, x) {
      if (x.path.startsWith('/store/')) return next({ ...x, path: x.path.slice(6) });
      if (!this.isReading(x)) return next(x);
      return { status: 307, headers: { location: `${this.origins.downloads}/store${x.path}?sig=1` }, body: Buffer.alloc(0) };
    },
    gone() {
      const body = Buffer.from('<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>');
      return { status: 403, headers: { 'content-type': 'application/xml' }, body };
    },
  }),
];

const inError = (edit) => ({
  refused(next, x, status, message) {
    const answer = next(x, status, message);
    edit(answer, status, x);
    return answer;
  },
});

const ANSWERS = [
  way('answer-extra-keys', 'Answers carry further keys at every level.', {
    ...inAccepted((object, file) => {
      Object.assign(object, { requestId: randomUUID(), timestamp: file.at });
      Object.assign(object.data, { fileId: randomUUID(), originalName: file.source.original ?? null, etag: 'x', tags: [], expiresAt: null });
    }),
    ...inError(({ object }) => Object.assign(object, { data: null, requestId: randomUUID(), details: [] })),
  }),
  way('answer-texts-other', 'Other texts of msg, without the name of a field.', (service) => {
    const short = { uploaded: 'ok', missing: () => 'bad request', invalid: () => 'bad request', base64: 'decode error', key: 'unauthorized' };
    Object.assign(service.texts, short, { method: 'nope', media: 'bad request', malformed: 'bad request', url: 'fetch failed' });
    return {};
  }),
  way('answer-texts-chinese', 'Texts of msg in Chinese, with a charset in the content type.', (service) => {
    Object.assign(service.texts, {
      uploaded: '文件上传成功', missing: (name) => `缺少必要参数：${name}`, invalid: (name) => `参数错误：${name}`,
      base64: 'Base64 解码失败', key: '认证失败', method: '不支持的方法', media: '类型错误', malformed: '请求格式错误', url: '下载失败',
    });
    return { json(next, ...given) { return withType(next(...given), 'application/json;charset=UTF-8'); } };
  }),
  way('answer-charset', 'JSON is typed application/json; charset=utf-8.', {
    json(next, ...given) { return withType(next(...given), 'application/json; charset=utf-8'); },
  }),
  way('answer-pretty', 'JSON with indents, CRLF line ends and a new line at the end.', {
    serialise(next, object) { return Buffer.from(`${JSON.stringify(object, null, '\t').replaceAll('\n', '\r\n')}\r\n`); },
  }),
  way('answer-escaped', 'JSON escapes slashes and everything beyond ASCII.', {
    serialise(next, object) {
      const text = JSON.stringify(object).replaceAll('/', '\\/');
      return Buffer.from(text.replace(/[^\x00-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`));
    },
  }),
  way('answer-keys-backwards', 'Keys of JSON come in the opposite order.', {
    serialise(next, object) {
      const turn = (value) => (value?.constructor === Object ? Object.fromEntries(Object.entries(value).reverse().map(([key, inner]) => [key, turn(inner)])) : value);
      return next(turn(object));
    },
  }),
  way('answer-whole-seconds', 'uploadedAt is cut to whole seconds, .000Z.', {
    timestamp(next, at, file) { return next(at - (at % 1000), file); },
  }),
  way('answer-clock-skew', 'The host that writes uploadedAt is 2 s behind the one that writes Date.', {
    timestamp(next, at, file) { return next(at - 2000, file); },
  }, { arguable: true }),
  way('answer-no-date', 'No Date header.', {
    finish(next, x, answer) { const done = next(x, answer); delete done.headers.date; return done; },
  }),
  way('answer-malformed-500', 'JSON that cannot be parsed is an internal error, 500, in the envelope.', {
    readJson(next, x) {
      try { return next(x); } catch (error) {
        throw error.message === this.texts.malformed ? new Refusal(500, this.texts.internal) : error;
      }
    },
  }, { arguable: true }),
  way('answer-url-failed-500', 'A URL that cannot be fetched is an internal error, 500, in the envelope.', {
    async fetched(next, address, x) {
      try { return await next(address, x); } catch (error) {
        throw error.message === this.texts.url ? new Refusal(500, this.texts.internal) : error;
      }
    },
  }),
];

function withType(answer, type) {
  answer.headers['content-type'] = type;
  return answer;
}

const NAMES = [
  way('names-uuid', 'Generated names are UUIDs.',
    { generatedName(next, extension) { return `${randomUUID()}${extension}`; } }),
  way('names-original-and-random', 'Generated names keep the stem of what was sent.', {
    generatedName(next, extension, x, source) {
      const stem = (source.original ?? 'file').split('/').pop().replace(/\.[^.]*$/, '').replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 40);
      return `${stem || 'file'}_${randomUUID().slice(0, 13)}${extension}`;
    },
  }),
  way('names-digest', 'Generated names are digests of content, time and chance, extensions in lower case.', {
    generatedName(next, extension, x, source) {
      return createHash('sha256').update(source.bytes).update(randomUUID()).digest('hex') + extension.toLowerCase();
    },
  }),
  way('names-jpeg', 'Inferred extensions are .jpeg, .htm and .text where others say .jpg, .html and .txt.', {
    extension(next, source, x) {
      const own = next(source, x);
      const other = { '.jpg': '.jpeg', '.html': '.htm', '.txt': '.text' }[own];
      return (!extensionOf(source.original) && other) || own;
    },
  }, { arguable: true }),
  way('names-from-url', 'A URL upload without fileName takes the last segment of the URL where that is a name.', {
    givenName(next, fields, x) {
      const given = next(fields, x);
      if (given !== undefined || x.route !== 'url') return given;
      const last = this.decodeLink(new URL(fields.fileUrl).pathname)?.split('/').pop() ?? '';
      return extensionOf(last) && this.isPlain(last) && last.length <= 255 ? last : undefined;
    },
  }),
];

const TYPES = [
  way('types-by-name', 'Types come from the name first, then from the content.', {
    mimeType(next, file) { return typeOfName(file.fileName) ?? next(file); },
  }),
  way('types-by-content', 'Types come from the content, then from what was declared, never from the name.', {
    mimeType(next, file) { return typeOfContent(file.bytes) ?? file.source.hint ?? (isText(file.bytes) ? 'text/plain' : 'application/octet-stream'); },
  }),
  way('types-other-names', 'Other registered or common names of the same types.', {
    mimeType(next, file, x) { const type = next(file, x); return MANY_NAMES[type] ?? type; },
  }),
  way('types-served-with-charset', 'Text is served with a charset beside its type.', {
    fileHeaders(next, file, ...more) {
      const headers = next(file, ...more);
      if (/^text\//.test(file.servedType)) headers['content-type'] = `${file.servedType};charset=utf-8`;
      return headers;
    },
  }),
];

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const compact = (text) => text.replace(/[ \t\r\n\f]/g, '');

const CHECKS = [
  way('checks-edges-trimmed', 'Slashes at the ends of uploadPath are trimmed off.', {
    checkedPath(next, path, x) { return next(path.replace(/^\/+|\/+$/g, ''), x); },
  }),
  way('checks-lenient', 'Control characters, empty segments and very long names are kept as they are.', {
    isPlain(next, segment) { return !['.', '..'].includes(segment) && segment.isWellFormed(); },
    checkedPath(next, path) {
      const inner = path.length > 0 && !/^\/|\/$/.test(path) && path.split('/').every((part) => this.isPlain(part));
      if (!inner) throw new Refusal(400, this.texts.invalid('uploadPath'));
      return path;
    },
  }),
  way('checks-extra-refused', 'Fields that nobody knows are refused.', {
    check(next, x, fields) {
      const known = new Set(['file', 'base64Data', 'fileUrl', 'uploadPath', 'fileName']);
      if (Object.keys(fields).some((name) => !known.has(name))) throw new Refusal(400, 'Unknown parameter');
      return next(x, fields);
    },
    fieldsOf(next, parts, x) {
      return { ...Object.fromEntries(parts.map((part) => [part.name, part.data])), ...next(parts, x) };
    },
  }),
  way('checks-json-by-any-type', 'JSON is read whatever its content type says.',
    { isJson() { return true; } }),
  way('checks-name-coerced', 'A fileName that is no text becomes text.', {
    checkedName(next, name, x) { return next(name === undefined || name === null ? name : String(name), x); },
  }),
  way('checks-empty-name-refused', 'An empty fileName is refused.', {
    checkedName(next, name, x) {
      if (name === '') throw new Refusal(400, this.texts.invalid('fileName'));
      return next(name, x);
    },
  }),
  way('checks-empty-file-refused', 'A file of zero bytes is refused.', {
    async readSource(next, x, fields) {
      const source = await next(x, fields);
      if (source.bytes.length === 0) throw new Refusal(400, 'File is empty');
      return source;
    },
  }),
  way('checks-file-needs-filename', 'A part called file without a filename is no file, as in FormData of the web.', {
    isMissing(next, value, name, x) { return next(value, name, x) || (name === 'file' && value.filename === undefined); },
  }, { arguable: true }),
  way('checks-base64-forgiving', 'Base64 is read as atob does: white space and missing padding are forgiven.', {
    decodeBase64(next, text) {
      const plain = compact(text);
      const bare = plain.replace(/={1,2}$/, '');
      const padded = plain === bare || plain.length % 4 === 0;
      return BASE64.test(plain) && padded && bare.length % 4 !== 1 ? Buffer.from(bare, 'base64') : null;
    },
  }),
  way('checks-base64-url-alphabet', 'Base64 is read in both alphabets, with and without padding.', {
    decodeBase64(next, text) {
      const plain = compact(text).replaceAll('-', '+').replaceAll('_', '/').replace(/={1,2}$/, '');
      return BASE64.test(plain) && plain.length % 4 !== 1 ? Buffer.from(plain, 'base64') : null;
    },
  }),
  way('checks-base64-no-white-space', 'Base64 with white space is refused.', {
    decodeBase64(next, text) { return /\s/.test(text) ? null : next(text); },
  }),
  way('checks-data-url-of-text', 'A data URL without ;base64 is read as percent-encoded text.', {
    decoded(next, text, x) {
      const match = /^data:([^,]*),(.*)$/s.exec(text);
      if (!match || /;base64$/i.test(match[1])) return next(text, x);
      const plain = this.decodeLink(match[2]);
      if (plain === undefined) throw new Refusal(400, this.texts.base64);
      return { bytes: Buffer.from(plain), hint: identify(Buffer.alloc(0), '', match[1] || 'text/plain') };
    },
  }),
  way('checks-private-urls-refused', 'URLs of private addresses are never fetched, as no service on the web does.', {
    fetchUrl(next, address) {
      const { hostname } = new URL(address);
      if (/^(127\.|10\.|192\.168\.|\[?::1|localhost$)/.test(hostname)) throw new Error('a private address');
      return next(address);
    },
  }, { arguable: true }),
  way('checks-strict-scheme', 'The scheme must be spelled Bearer, with one space.', {
    tokenOf(next, x) { return /^Bearer \S+$/.test(x.headers.authorization ?? '') ? next(x) : undefined; },
  }),
];

export const WAYS_OF_ANSWERING = [...LINKS, ...ANSWERS, ...NAMES, ...TYPES, ...CHECKS];
