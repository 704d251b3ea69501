// The File Upload API as steps that a way or a bug may wrap; it knows nothing of sockets.
// Every step is a method; patch() puts a function around one: patch.step(next, ...arguments).

import { createHash, randomBytes } from 'node:crypto';

import { controlClock } from './node_clock.mjs';
import { Downloads } from './node_downloads.mjs';
import { fetchUrl } from './node_fetch.mjs';
import { parseHeader, splitForm } from './node_forms.mjs';
import { extensionFor, extensionOf, hintOf, identify } from './node_media.mjs';

const ROUTES = new Map([
  ['/api/file-stream-upload', 'stream'],
  ['/api/file-base64-upload', 'base64'],
  ['/api/file-url-upload', 'url'],
]);
const REQUIRED = { stream: 'file', base64: 'base64Data', url: 'fileUrl' };
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const DATA_URL = /^data:([^,]*?);base64,/i;
const THREE_DAYS = 3 * 24 * 60 * 60 * 1000; // milliseconds

export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export class Service extends Downloads {
  texts = {
    uploaded: 'File uploaded successfully',
    missing: (name) => `Missing required parameter: ${name}`,
    invalid: (name) => `Invalid parameter: ${name}`,
    base64: 'Base64 decoding failed: Invalid Base64 format',
    key: 'Authentication failed: Invalid API Key',
    method: 'Method not allowed',
    media: 'Unsupported content type',
    malformed: 'Malformed request body',
    url: 'File could not be fetched from the URL',
    internal: 'Internal server error',
    gone: 'File not found or expired',
    lost: 'Not found',
  };

  /** keys: the API keys, an account each; clock: milliseconds; origins: of uploads and downloads. */
  constructor({ keys, clock }) {
    super();
    this.clock = clock;
    this.keys = keys;
    this.accounts = new Map(keys.map((key) => [key, this.accountNumber(key)]));
    this.files = new Map(); // by key
    this.retention = THREE_DAYS;
    this.style = 'documented';
    this.control = true; // whether the clock can be moved over HTTP
    this.origins = {}; // filled in by the server once it listens
    this.server = {}; // wishes of a way to the server: another port, keep-alive
  }

  patch(steps) {
    for (const [step, around] of Object.entries(steps)) {
      if (typeof this[step] !== 'function') throw new Error(`there is no step ${step}`);
      const next = this[step].bind(this);
      this[step] = (...given) => around.call(this, next, ...given);
    }
  }

  accountNumber(key) {
    const digest = createHash('sha256').update(key).digest();
    return String(10_000_000 + (digest.readUInt32BE(0) % 90_000_000));
  }

  /** The answer to an exchange: status, headers and a body or an object to be sent as JSON. */
  async answer(x) {
    try {
      return this.finish(x, await this.dispatch(x));
    } catch (error) {
      if (error instanceof Refusal) return this.finish(x, this.refused(x, error.status, error.message));
      if (x.socket.destroyed) return null; // the client went away
      console.error(error);
      return this.finish(x, this.refused(x, 500, this.texts.internal));
    }
  }

  async dispatch(x) {
    if (x.path.startsWith('/__mockkie/')) return this.controlled(x);
    x.route = x.side === 'downloads' ? undefined : this.routeOf(x);
    if (x.route) return this.takeUpload(x);
    if (x.side === 'uploads' || /^\/(api\/.*)?$/.test(x.path)) return this.lost(x);
    return this.takeDownload(x);
  }

  routeOf(x) {
    return ROUTES.get(x.path);
  }

  /** Add what every answer carries, and turn an object into bytes. */
  finish(x, answer) {
    answer.headers.date ??= new Date(this.clock.now()).toUTCString();
    if (answer.object !== undefined) answer.body = this.serialise(answer.object, x);
    return answer;
  }

  serialise(object) {
    return Buffer.from(JSON.stringify(object));
  }

  json(x, status, object) {
    const headers = { 'content-type': 'application/json' };
    if (!x.isDownload) headers['access-control-allow-origin'] = '*';
    return { status, headers, object };
  }

  refused(x, status, message) {
    const answer = this.json(x, status, { success: false, code: status, msg: message });
    if (status === 401) answer.headers['www-authenticate'] = 'Bearer';
    if (status === 405) answer.headers.allow = 'POST, OPTIONS';
    return answer;
  }

  lost(x) {
    return this.refused(x, 404, this.texts.lost);
  }

  async controlled(x) {
    await this.receive(x);
    let given;
    try {
      given = JSON.parse(x.body.toString() || '{}');
    } catch {
      given = {};
    }
    const token = this.tokenOf(x);
    if (!this.control) return this.lost(x);
    if (token !== undefined && !this.accounts.has(token)) return this.problem(401, 'no such key');
    const state = controlClock(this.clock, x.method, x.path, given ?? {});
    if (state === undefined) return this.problem(404, 'only the clock can be controlled here');
    if (typeof state === 'string') return this.problem(400, state);
    this.sweep();
    return { status: 200, headers: { 'content-type': 'application/json' }, object: state };
  }

  problem(status, detail) {
    const headers = { 'content-type': 'application/problem+json' };
    return { status, headers, object: { type: 'about:blank', status, detail } };
  }

  async takeUpload(x) {
    if (x.method === 'OPTIONS') return this.preflight(x);
    await this.receive(x);
    await this.admit(x);
    if (!this.isUploadMethod(x)) throw new Refusal(405, this.texts.method);
    const fields = await this.readFields(x);
    await this.check(x, fields);
    const source = await this.readSource(x, fields);
    const file = this.describe(x, fields, source);
    const kept = await this.keep(x, file);
    return this.accepted(x, kept);
  }

  preflight() {
    const headers = {
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'POST, OPTIONS',
      'access-control-allow-headers': 'Authorization, Content-Type',
      'access-control-max-age': '86400',
    };
    return { status: 204, headers, body: Buffer.alloc(0) };
  }

  /** Read the whole body before anything is answered. */
  async receive(x) {
    x.body ??= await x.read();
  }

  admit(x) {
    x.account = this.authorize(x);
    if (!x.account) throw new Refusal(401, this.texts.key);
  }

  authorize(x) {
    const token = this.tokenOf(x);
    return token === undefined ? null : this.accountOf(token, x);
  }

  tokenOf(x) {
    const values = x.all('authorization');
    return values.length === 1 ? /^bearer +(\S+)$/i.exec(values[0])?.[1] : undefined;
  }

  accountOf(token) {
    return this.accounts.get(token) ?? null;
  }

  isUploadMethod(x) {
    return x.method === 'POST';
  }

  mediaType(x) {
    return parseHeader(x.headers['content-type'] ?? '');
  }

  readFields(x) {
    return x.route === 'stream' ? this.readForm(x) : this.readJson(x);
  }

  readForm(x) {
    const { value, parameters } = this.mediaType(x);
    if (value !== 'multipart/form-data') throw new Refusal(400, this.texts.media);
    const parts = parameters.boundary ? this.partsOf(x.body, parameters.boundary, x) : null;
    if (parts === null) throw new Refusal(400, this.texts.malformed);
    return this.fieldsOf(parts, x);
  }

  partsOf(body, boundary) {
    return splitForm(body, boundary);
  }

  fieldsOf(parts) {
    const part = (name) => parts.find((candidate) => candidate.name === name);
    const text = (name) => {
      const found = part(name);
      return found && this.fieldText(found);
    };
    return { file: part('file'), uploadPath: text('uploadPath'), fileName: text('fileName') };
  }

  fieldText(part) {
    return part.data.toString('utf8');
  }

  readJson(x) {
    if (!this.isJson(x)) throw new Refusal(400, this.texts.media);
    let fields;
    try {
      fields = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(x.body));
    } catch {
      throw new Refusal(400, this.texts.malformed);
    }
    if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
      throw new Refusal(400, this.texts.malformed);
    }
    return fields;
  }

  isJson(x) {
    return this.mediaType(x).value === 'application/json';
  }

  check(x, fields) {
    for (const name of [REQUIRED[x.route], 'uploadPath']) {
      if (this.isMissing(fields[name], name, x)) throw new Refusal(400, this.texts.missing(name));
      if (name !== 'file' && typeof fields[name] !== 'string') throw new Refusal(400, this.texts.invalid(name));
    }
    fields.uploadPath = this.checkedPath(fields.uploadPath, x);
    fields.fileName = this.checkedName(fields.fileName, x);
  }

  isMissing(value) {
    return value === undefined || value === null || value === '';
  }

  /** uploadPath as it is kept. */
  checkedPath(path) {
    const plain = path.split('/').every((segment) => this.isPlain(segment));
    if (!plain || path.length > 1024) throw new Refusal(400, this.texts.invalid('uploadPath'));
    return path;
  }

  /** fileName as it is kept; undefined where none was given. */
  checkedName(name) {
    if (name === undefined || name === null || name === '') return undefined;
    const plain = typeof name === 'string' && !name.includes('/') && this.isPlain(name);
    if (!plain || name.length > 255) throw new Refusal(400, this.texts.invalid('fileName'));
    return name;
  }

  isPlain(segment) {
    return !['', '.', '..'].includes(segment) && !/[\x00-\x1f\x7f]/.test(segment) && segment.isWellFormed();
  }

  /** The content that was sent: bytes, declared type, and a name that it came with. */
  async readSource(x, fields) {
    if (x.route === 'stream') {
      return { bytes: fields.file.data, hint: hintOf(fields.file.type), original: fields.file.filename };
    }
    if (x.route === 'base64') return this.decoded(fields.base64Data, x);
    return this.fetched(fields.fileUrl, x);
  }

  decoded(text) {
    const header = DATA_URL.exec(text);
    const hint = hintOf(header?.[1]);
    const bytes = this.decodeBase64(text.slice(header?.[0].length ?? 0));
    if (bytes === null) throw new Refusal(400, this.texts.base64);
    return { bytes, hint };
  }

  decodeBase64(text) {
    const compact = text.replace(/[ \t\r\n\f]/g, '');
    return compact.length % 4 === 0 && BASE64.test(compact) ? Buffer.from(compact, 'base64') : null;
  }

  async fetched(address) {
    if (!/^https?:\/\//i.test(address) || !URL.canParse(address)) {
      throw new Refusal(400, this.texts.invalid('fileUrl'));
    }
    try {
      const { bytes, type, url, headers } = await this.fetchUrl(address);
      return { bytes, hint: hintOf(type), original: url.pathname, headers };
    } catch {
      throw new Refusal(400, this.texts.url);
    }
  }

  fetchUrl(address) {
    return fetchUrl(address);
  }

  /** Everything that is known of a file before it is kept. */
  describe(x, fields, source) {
    const given = this.givenName(fields, x);
    const file = {
      account: x.account,
      route: x.route,
      folder: fields.uploadPath,
      fileName: given ?? this.generatedName(this.extension(source, x), x, source),
      generated: given === undefined,
      bytes: source.bytes,
      source,
      at: this.clock.now(),
    };
    file.filePath = this.filePath(file);
    file.mimeType = this.mimeType(file, x);
    file.servedType = file.mimeType;
    file.size = this.sizeOf(file, x);
    file.link = this.linkOf(file);
    file.key = this.keyOf(file.link, file);
    file.expiresAt = this.expiry(file);
    return file;
  }

  givenName(fields) {
    return fields.fileName;
  }

  /** The extension of a generated name, with its dot. */
  extension(source) {
    const own = extensionOf(source.original);
    return `.${own || extensionFor(source.hint ?? identify(source.bytes, '', undefined))}`;
  }

  generatedName(extension) {
    const letters = Array.from(randomBytes(11), (byte) => (byte % 36).toString(36)).join('');
    return `${this.clock.now()}-${letters}${extension}`;
  }

  filePath(file) {
    const path = `${file.folder}/${file.fileName}`;
    return this.style === 'observed' ? `kieai/${file.account}/${path}` : path;
  }

  mimeType(file) {
    return identify(file.bytes, file.fileName, file.source.hint);
  }

  sizeOf(file) {
    return file.bytes.length;
  }

  /** The path of a link, decoded. */
  linkOf(file) {
    return this.style === 'observed' ? `/${file.filePath}` : `/${file.account}/${file.filePath}`;
  }

  /** What a file is stored under. */
  keyOf(link) {
    return link;
  }

  expiry(file) {
    return file.at + this.retention;
  }

  /** Keep a file in place of another of its key; the file as it is kept. */
  keep(x, file) {
    this.files.set(file.key, file);
    return file;
  }

  accepted(x, file) {
    const data = this.facts(file, x);
    return this.json(x, 200, { success: true, code: 200, msg: this.texts.uploaded, data });
  }

  facts(file) {
    return {
      fileName: file.fileName,
      filePath: file.filePath,
      downloadUrl: this.downloadUrl(file),
      fileSize: file.size,
      mimeType: file.mimeType,
      uploadedAt: this.timestamp(file.at, file),
    };
  }

  downloadUrl(file) {
    return `${this.origins.downloads}${this.encodeLink(file.link)}`;
  }

  encodeLink(link) {
    return link.split('/').map(encodeURIComponent).join('/');
  }

  timestamp(milliseconds) {
    return new Date(milliseconds).toISOString();
  }
}
