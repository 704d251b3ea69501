// Bugs of checks on what comes in, and of what is told of a file.

import { bug, DAY, inAnswer, inFacts, isChunked, MIB } from './node_bug.mjs';
import { extensionOf, isText, typeOfName } from './node_media.mjs';
import { Refusal } from './node_service.mjs';

const required = (name, visible, says, change) => bug(`validation-${name}`, 'input.required', visible, says, change);
const base64 = (name, visible, says, change) => bug(`validation-${name}`, 'input.base64-format', visible, says, change);
const unchanged = (name, visible, says, change) => bug(`validation-${name}`, 'input.changes-nothing', visible, says, change);
const taken = (name, breaks, visible, says, change) => bug(`validation-${name}`, breaks, visible, says, change);

/** Put something in place of a field that is missing. */
const filledIn = (route, field, value) => ({
  check(next, x, fields) {
    if (x.route === route && this.isMissing(fields[field], field, x)) fields[field] = typeof value === 'function' ? value(fields) : value;
    return next(x, fields);
  },
});
const missingAs = (status, test) => ({
  refused(next, x, given, message) { return next(x, message.startsWith('Missing') && test(message, x) ? status : given, message); },
});
const refuse = (service, name) => { throw new Refusal(400, service.texts.invalid(name)); };
const refusesPath = (test) => ({
  checkedPath(next, path, x) { return test(path, x) ? refuse(this, 'uploadPath') : next(path, x); },
});

const REQUIRED = [
  required('stream-no-path', 'yes', 'A form without uploadPath goes to a folder of its own.',
    filledIn('stream', 'uploadPath', 'uploads')),
  required('base64-no-path', 'yes', 'base64 without uploadPath goes to a folder of its own.',
    filledIn('base64', 'uploadPath', 'uploads')),
  required('url-no-path', 'yes', 'A URL upload without uploadPath goes to a folder of its own.',
    filledIn('url', 'uploadPath', 'uploads')),
  required('no-path-but-name', 'hard', 'uploadPath is not missed where fileName is given.', {
    check(next, x, fields) {
      if (fields.fileName && this.isMissing(fields.uploadPath, 'uploadPath', x)) fields.uploadPath = 'uploads';
      return next(x, fields);
    },
  }),
  required('no-file', 'yes', 'A form without file stores an empty one.',
    filledIn('stream', 'file', { data: Buffer.alloc(0) })),
  required('file-as-other-field', 'hard', 'A form without file takes its first part that has a file name, whatever it is called.', {
    fieldsOf(next, parts, x) {
      const fields = next(parts, x);
      fields.file ??= parts.find(({ filename }) => filename !== undefined);
      return fields;
    },
  }),
  required('no-base64', 'yes', 'JSON without base64Data stores an empty file.', {
    check(next, x, fields) {
      if (x.route === 'base64' && fields.base64Data === undefined) fields.base64Data = 'data:;base64,';
      return next(x, fields);
    },
  }),
  required('null-path', 'yes', 'An uploadPath of null becomes the folder null on the base64 route.', {
    check(next, x, fields) {
      if (x.route === 'base64' && fields.uploadPath === null) fields.uploadPath = 'null';
      return next(x, fields);
    },
  }),
  required('null-url-500', 'hard', 'A fileUrl of null is an internal error.', {
    readJson(next, x) {
      const fields = next(x);
      if (x.route === 'url' && fields.fileUrl === null) throw new Refusal(500, this.texts.internal);
      return fields;
    },
  }),
  required('no-file-500', 'yes', 'A form without file is an internal error.',
    missingAs(500, (message) => message.endsWith('file'))),
  required('no-url-500', 'yes', 'JSON without fileUrl is an internal error.',
    missingAs(500, (message) => message.endsWith('fileUrl'))),
  required('no-path-401', 'hard', 'A form without uploadPath is refused with 401.',
    missingAs(401, (message, x) => x.route === 'stream' && message.endsWith('uploadPath'))),
  required('empty-object-500', 'hard', 'An empty JSON object is an internal error.', {
    readJson(next, x) {
      const fields = next(x);
      if (Object.keys(fields).length === 0) throw new Refusal(500, this.texts.internal);
      return fields;
    },
  }),
  required('empty-form-200', 'hard', 'A form without any part is answered 200, although nothing is stored.', {
    readForm(next, x) {
      if (x.body.length < 120 && /^--[^\r\n]+--\s*$/.test(x.body.toString('latin1'))) throw new Refusal(200, 'ok');
      return next(x);
    },
  }),
];

const BASE64 = [
  base64('base64-garbage', 'yes', 'Text that is no base64 is decoded as far as it goes.',
    { decodeBase64(next, text) { return next(text) ?? Buffer.from(text, 'base64'); } }),
  base64('base64-length', 'yes', 'The length of base64 is not checked, its alphabet is.',
    { decodeBase64(next, text) { return next(text) ?? (/^[A-Za-z0-9+/]+=*$/.test(text) ? Buffer.from(text, 'base64') : null); } }),
  base64('base64-padding-inside', 'hard', 'Padding in the middle of base64 ends it without a complaint.',
    { decodeBase64(next, text) { return next(text) ?? (/^[A-Za-z0-9+/]+=+[A-Za-z0-9+/=]+$/.test(text) ? Buffer.from(text.split('=')[0], 'base64') : null); } }),
  base64('base64-500', 'yes', 'Text that is no base64 is an internal error.',
    { refused(next, x, status, message) { return next(x, message === this.texts.base64 ? 500 : status, message); } }),
  base64('base64-first-kib', 'hard', 'Only the first 1024 characters of base64 are checked.',
    { decodeBase64(next, text) { return next(text) ?? (text.length > 1024 && next(text.slice(0, 1024)) ? Buffer.from(text, 'base64') : null); } }),
  base64('base64-one-stray', 'hard', 'A stray sign at the very end of base64 is ignored.',
    { decodeBase64(next, text) { return next(text) ?? next(text.slice(0, -1)); } }),
  base64('base64-signs-skipped', 'yes', 'Signs beyond the alphabet are skipped as if they were white space.', {
    decodeBase64(next, text) { return next(text) ?? (/[A-Za-z0-9+/]{4}/.test(text) ? next(text.replace(/[^A-Za-z0-9+/=]/g, '')) : null); },
  }),
  base64('data-url-garbage', 'yes', 'What follows the head of a data URL is not checked.', {
    decoded(next, text, x) {
      const head = /^data:[^,]*;base64,/i.exec(text)?.[0];
      return next(head ? head + Buffer.from(text.slice(head.length), 'base64').toString('base64') : text, x);
    },
  }),
  base64('base64-success', 'hard', 'Text that is no base64 is refused with 400, but only up to 1 MiB; beyond it is stored as text.', {
    decodeBase64(next, text) { return next(text) ?? (text.length > MIB ? Buffer.from(text) : null); },
  }),
];

/** What a file of these fields would lie under. */
function keyOf(service, x, fields) {
  const file = { account: x.account, folder: fields.uploadPath, fileName: fields.fileName };
  file.filePath = service.filePath(file);
  return service.keyOf(service.linkOf(file), file);
}
/** Do something with the file of a name where the content that was sent is refused. */
const whenRefused = (route, act) => ({
  async readSource(next, x, fields) {
    try {
      return await next(x, fields);
    } catch (error) {
      const old = this.files.get(keyOf(this, x, fields));
      if (x.route === route && old && this.isAlive(old)) act.call(this, old, fields);
      throw error;
    }
  },
});

const LEFT = [
  unchanged('base64-empties', 'yes', 'base64 that is refused leaves an empty file in place of the one of its name.',
    whenRefused('base64', (old) => Object.assign(old, { bytes: Buffer.alloc(0) }))),
  unchanged('base64-partial', 'hard', 'base64 that is refused leaves what could be decoded of it in place of the file of its name.',
    whenRefused('base64', (old, fields) => Object.assign(old, { bytes: Buffer.from(fields.base64Data, 'base64') }))),
  unchanged('url-deletes', 'yes', 'A URL that cannot be fetched removes the file of its name.',
    whenRefused('url', function remove(old) { this.files.delete(old.key); })),
  unchanged('url-restarts-life', 'hard', 'A URL that cannot be fetched restarts the life of the file of its name.',
    whenRefused('url', function touch(old) { old.expiresAt = this.clock.now() + this.retention; })),
  unchanged('base64-retypes', 'hard', 'base64 that is refused changes the type of the file of its name to text/plain.',
    whenRefused('base64', (old) => Object.assign(old, { servedType: 'text/plain' }))),
  unchanged('no-file-deletes', 'yes', 'A form without file is refused and removes the file of its name.', {
    check(next, x, fields) {
      if (x.route === 'stream' && !fields.file && fields.uploadPath && fields.fileName) this.files.delete(keyOf(this, x, fields));
      return next(x, fields);
    },
  }),
  unchanged('no-base64-deletes', 'hard', 'JSON without base64Data is refused and removes the file of its name.', {
    check(next, x, fields) {
      if (x.route === 'base64' && this.isMissing(fields.base64Data) && fields.uploadPath && fields.fileName) this.files.delete(keyOf(this, x, fields));
      return next(x, fields);
    },
  }),
  unchanged('no-path-everywhere', 'hard', 'A form without uploadPath is refused and removes the files of that name in all folders.', {
    check(next, x, fields) {
      if (x.route === 'stream' && !fields.uploadPath && fields.fileName) for (const [key, file] of this.files) if (file.fileName === fields.fileName) this.files.delete(key);
      return next(x, fields);
    },
  }),
];

const TAKEN = [
  taken('path-after-file', 'stream.field-order', 'yes', 'uploadPath is not seen in a form where it stands behind the file.', {
    fieldsOf(next, parts, x) {
      const names = parts.map(({ name }) => name);
      const fields = next(parts, x);
      if (names.indexOf('uploadPath') > names.indexOf('file')) fields.uploadPath = undefined;
      return fields;
    },
  }),
  taken('name-before-path', 'stream.field-order', 'hard', 'In a form where fileName stands before uploadPath the two are swapped.', {
    fieldsOf(next, parts, x) {
      const names = parts.map(({ name }) => name);
      const fields = next(parts, x);
      const swapped = names.includes('fileName') && names.indexOf('fileName') < names.indexOf('uploadPath');
      return swapped ? { ...fields, uploadPath: fields.fileName, fileName: fields.uploadPath } : fields;
    },
  }),
  taken('file-in-between', 'stream.field-order', 'hard', 'A form where the file stands between its two texts is refused.', {
    fieldsOf(next, parts, x) {
      if (parts.length === 3 && parts[1].name === 'file') throw new Refusal(400, this.texts.malformed);
      return next(parts, x);
    },
  }),
  taken('json-order', 'envelope.success', 'hard', 'JSON whose first key is fileName is refused.', {
    readJson(next, x) {
      const fields = next(x);
      if (Object.keys(fields)[0] === 'fileName') throw new Refusal(400, this.texts.malformed);
      return fields;
    },
  }),
  taken('typed-field', 'envelope.success', 'hard', 'A text field of a form that carries a content type is taken for a file, and so is missing.', {
    fieldsOf(next, parts, x) { return next(parts.filter(({ name, type }) => name === 'file' || !type), x); },
  }),
  taken('filename-star', 'content.byte-exact', 'hard', 'A file part that has filename* only is not seen.', {
    fieldsOf(next, parts, x) { return next(parts.filter(({ headers }) => !/filename\*/.test(headers['content-disposition'] ?? '') || /filename=/.test(headers['content-disposition'])), x); },
  }),
  taken('no-filename', 'envelope.success', 'hard', 'A file of more than 1 MiB without a file name is refused.', {
    check(next, x, fields) {
      if (fields.file?.filename === undefined && fields.file?.data.length > MIB) throw new Refusal(400, this.texts.missing('file'));
      return next(x, fields);
    },
  }),
  taken('quoted-boundary', 'envelope.success', 'hard', 'A boundary in quotation marks is not unquoted.', {
    readForm(next, x) {
      if (/boundary="/i.test(x.headers['content-type'] ?? '')) throw new Refusal(400, this.texts.malformed);
      return next(x);
    },
  }),
  taken('boundary-signs', 'envelope.success', 'hard', 'A boundary with signs such as + or . is refused, as it is used as a pattern.', {
    partsOf(next, body, boundary, x) { return /[+.?()]/.test(boundary) ? null : next(body, boundary, x); },
  }),
  taken('media-type-case', 'envelope.success', 'hard', 'Media types must be in lower case.', {
    readFields(next, x) {
      if (/^[^;]*[A-Z]/.test(x.headers['content-type'] ?? '')) throw new Refusal(400, this.texts.media);
      return next(x);
    },
  }),
  taken('header-case', 'envelope.success', 'hard', 'content-disposition of a part is not found in lower case.', {
    partsOf(next, body, boundary, x) {
      const parts = next(body, boundary, x);
      return body.includes('\r\ncontent-disposition:') ? parts?.map((part) => ({ ...part, name: undefined })) : parts;
    },
  }),
  taken('chunked-refused', 'envelope.success', 'hard', 'A chunked request is refused, for it tells no length.', {
    readFields(next, x) {
      if (isChunked(x)) throw new Refusal(400, this.texts.malformed);
      return next(x);
    },
  }),
  taken('http-refused', 'url.fetched', 'yes', 'A fileUrl must be https.',
    { fetched(next, address, x) { return /^https:/i.test(address) ? next(address, x) : refuse(this, 'fileUrl'); } }),
  taken('url-scheme-case', 'url.fetched', 'hard', 'The scheme of fileUrl must be in lower case.',
    { fetched(next, address, x) { return /^https?:/.test(address) ? next(address, x) : refuse(this, 'fileUrl'); } }),
  taken('url-no-extension', 'url.fetched', 'hard', 'A fileUrl whose path has no extension is refused.',
    { fetched(next, address, x) { return URL.canParse(address) && extensionOf(new URL(address).pathname) ? next(address, x) : refuse(this, 'fileUrl'); } }),
  taken('url-query-refused', 'url.fetched', 'hard', 'A fileUrl with a query is refused.',
    { fetched(next, address, x) { return address.includes('?') ? refuse(this, 'fileUrl') : next(address, x); } }),
  taken('path-one-character', 'envelope.success', 'hard', 'An uploadPath of one character is refused.',
    refusesPath((path) => path.length === 1)),
  taken('path-deep', 'envelope.success', 'hard', 'An uploadPath of more than four folders is refused.',
    refusesPath((path) => path.split('/').length > 4)),
  taken('path-unicode', 'envelope.success', 'yes', 'An uploadPath beyond ASCII is refused.',
    refusesPath((path) => /[^\x00-\x7f]/.test(path))),
  taken('path-space', 'envelope.success', 'yes', 'An uploadPath with a space is refused in JSON.',
    refusesPath((path, x) => x.route !== 'stream' && path.includes(' '))),
  taken('path-dotted', 'envelope.success', 'hard', 'An uploadPath whose last folder has an extension is refused.',
    refusesPath((path) => extensionOf(path) !== '')),
  taken('path-api', 'envelope.success', 'hard', 'An uploadPath that starts with api is refused.',
    refusesPath((path) => path.startsWith('api'))),
  taken('path-digits', 'envelope.success', 'hard', 'An uploadPath of digits only is refused in a form, where it counts as a number.',
    refusesPath((path, x) => x.route === 'stream' && /^\d+$/.test(path))),
  taken('name-without-extension', 'envelope.success', 'yes', 'A fileName without an extension is refused.',
    { checkedName(next, name, x) { const kept = next(name, x); return kept && !kept.includes('.') ? refuse(this, 'fileName') : kept; } }),
  taken('slow-refused', 'envelope.success', 'hard', 'A body that takes more than a second to come is refused.', {
    async receive(next, x) {
      const start = performance.now();
      await next(x);
      x.late ||= performance.now() - start > 1000;
    },
    readFields(next, x) {
      if (x.late) throw new Refusal(400, this.texts.malformed);
      return next(x);
    },
  }),
];

const size = (name, visible, says, edit) => bug(`metadata-${name}`, 'metadata.size', visible, says, { sizeOf(next, file, x) { return edit.call(this, next(file, x), file, x); } });
const time = (name, visible, says, edit) => bug(`metadata-${name}`, 'metadata.time', visible, says, { timestamp(next, at, file) { return edit.call(this, next(at, file), at, file); } });
const type = (name, visible, says, edit) => bug(`metadata-${name}`, 'metadata.type', visible, says, { mimeType(next, file, x) { return edit.call(this, next(file, x), file, x); } });
const served = (name, visible, says, edit) => bug(`metadata-${name}`, 'metadata.type-is-served', visible, says, {
  fileHeaders(next, file, bytes, x) {
    const headers = next(file, bytes, x);
    headers['content-type'] = edit(headers['content-type'], file, x) ?? headers['content-type'];
    return headers;
  },
});

const FACTS = [
  size('size-of-base64', 'yes', 'fileSize counts the characters of the base64 text.',
    (bytes, file, x) => (x.route === 'base64' ? JSON.parse(x.body.toString()).base64Data.length : bytes)),
  size('size-estimated', 'yes', 'fileSize of base64 is three quarters of its length: the padding is counted.',
    (bytes, file, x) => (x.route === 'base64' ? Math.ceil(bytes / 3) * 3 : bytes)),
  size('size-of-body', 'yes', 'fileSize of a form is the length of the request.',
    (bytes, file, x) => (x.route === 'stream' ? x.body.length : bytes)),
  size('size-characters', 'yes', 'fileSize of text counts characters.',
    (bytes, file) => (isText(file.bytes) ? file.bytes.toString().length : bytes)),
  size('size-kib', 'hard', 'fileSize is rounded to whole KiB from 1 MiB on.',
    (bytes) => (bytes >= MIB ? Math.round(bytes / 1024) * 1024 : bytes)),
  size('size-16-bit', 'hard', 'fileSize of a fetched file has sixteen bits.',
    (bytes, file) => (file.route === 'url' ? bytes % 65_536 : bytes)),
  size('size-of-source', 'hard', 'fileSize of a fetched file is the length that its source told, 0 where it told none.',
    (bytes, file) => (file.route === 'url' ? Number(file.source.headers?.['content-length'] ?? 0) : bytes)),
  size('size-chunked', 'hard', 'fileSize is 0 where the request is chunked.',
    (bytes, file, x) => (isChunked(x) ? 0 : bytes)),
  bug('metadata-size-two-more', 'metadata.size', 'yes', 'fileSize of a form whose file comes last counts the line end behind it.', {
    fieldsOf(next, parts, x) {
      x.fileLast = parts.at(-1)?.name === 'file';
      return next(parts, x);
    },
    sizeOf(next, file, x) { return next(file, x) + (x.fileLast ? 2 : 0); },
  }),
  size('size-rounded-up', 'hard', 'fileSize of a file of more than 64 KiB is a multiple of 16, as that of a block cipher.',
    (bytes) => (bytes > 65_536 ? Math.ceil(bytes / 16) * 16 : bytes)),
  time('time-zone', 'yes', 'uploadedAt is the time of another zone, with a Z behind it.',
    (text, at) => new Date(at + DAY / 3).toISOString()),
  time('time-offset', 'yes', 'uploadedAt ends with +00:00.', (text) => text.replace('Z', '+00:00')),
  time('time-seconds', 'yes', 'uploadedAt has no milliseconds on the URL route.',
    (text, at, file) => (file.route === 'url' ? text.replace(/\.\d+/, '') : text)),
  time('time-zeros', 'hard', 'Zeros at the end of the milliseconds are dropped.',
    (text) => text.replace(/\.?0+Z$/, 'Z')),
  time('time-unpadded', 'hard', 'Milliseconds are not padded to three digits.',
    (text, at) => text.replace(/\.\d+Z/, `.${at % 1000}Z`)),
  time('time-microseconds', 'yes', 'uploadedAt has six digits of a second for base64.',
    (text, at, file) => (file.route === 'base64' ? text.replace('Z', '000Z') : text)),
  time('time-space', 'yes', 'Date and time are parted by a space in answers to forms.',
    (text, at, file) => (file.route === 'stream' ? text.replace('T', ' ') : text)),
  time('time-twelve-hours', 'hard', 'Hours go to twelve only, so afternoons are wrong.',
    (text) => text.replace(/T(\d\d)/, (hour, digits) => `T${String(Number(digits) % 12).padStart(2, '0')}`)),
  time('time-month', 'yes', 'Months are counted from 0.',
    (text) => text.replace(/-(\d\d)-/, (month, digits) => `-${String(Math.max(Number(digits) - 1, 1)).padStart(2, '0')}-`)),
  time('time-summer', 'hard', 'From April to October uploadedAt is an hour ahead.',
    (text, at) => (/-(0[4-9]|10)-/.test(text) ? new Date(at + DAY / 24).toISOString() : text)),
  bug('metadata-time-cached', 'metadata.time', 'hard', 'uploadedAt is taken once a minute of the clock and kept for the rest of it.', () => {
    let last = 0;
    return {
      timestamp(next, at, file) {
        if (Math.abs(at - last) >= 60_000) last = at;
        return next(last, file);
      },
    };
  }),
  bug('metadata-time-of-start', 'metadata.time', 'yes', 'uploadedAt follows real time, not the clock that files live by.',
    { timestamp(next, at, file) { return next(Date.now(), file); } }),
  type('type-declared', 'yes', 'The type that a form declares for a file is believed.',
    (found, file) => (file.route === 'stream' ? (file.source.hint ?? found) : found)),
  type('type-jpg', 'yes', 'JPEG is image/jpg.', (found) => found.replace('image/jpeg', 'image/jpg')),
  type('type-webp', 'yes', 'All RIFF files are audio/wav, WebP too.',
    (found, file) => (file.bytes.subarray(0, 4).toString('latin1') === 'RIFF' ? 'audio/wav' : found)),
  type('type-gif87', 'hard', 'GIF of 1987 is not known: application/octet-stream.',
    (found, file) => (file.bytes.subarray(0, 6).toString('latin1') === 'GIF87a' ? 'application/octet-stream' : found)),
  type('type-octet', 'yes', 'Plain base64 is application/octet-stream always.',
    (found, file) => (file.route === 'base64' && !file.source.hint ? 'application/octet-stream' : found)),
  type('type-upper-extension', 'hard', 'Extensions in upper case are not known: application/octet-stream.',
    (found, file) => (typeOfName(file.fileName) && /[A-Z]/.test(extensionOf(file.fileName)) ? 'application/octet-stream' : found)),
  type('type-generated', 'hard', 'Files with generated names are application/octet-stream.',
    (found, file) => (file.generated ? 'application/octet-stream' : found)),
  bug('metadata-type-remembered', 'metadata.type', 'hard', 'The type that the first file of an extension had is that of all later ones.', () => {
    const known = new Map();
    return {
      mimeType(next, file, x) {
        const end = extensionOf(file.fileName).toLowerCase();
        if (end && !known.has(end)) known.set(end, next(file, x));
        return known.get(end) ?? next(file, x);
      },
    };
  }),
  bug('metadata-type-parameter', 'envelope.success', 'hard', 'mimeType of text is told with a space and a charset behind it.',
    inFacts((facts) => { if (/^text\//.test(facts.mimeType)) facts.mimeType += '; charset=utf-8'; })),
  served('served-octet', 'yes', 'All files are served as application/octet-stream.',
    () => 'application/octet-stream'),
  served('served-by-name', 'hard', 'Files are served with the type of their name, told is that of the content.',
    (found, file) => typeOfName(file.fileName)),
  served('served-html-as-text', 'hard', 'HTML and SVG are served as text/plain, told is their own type.',
    (found) => (/html|svg/.test(found) ? 'text/plain' : found)),
  served('served-head', 'hard', 'HEAD tells another type than GET.',
    (found, file, x) => (x.method === 'HEAD' ? 'application/octet-stream' : found)),
  served('served-unknown-as-text', 'hard', 'Files of an unknown type are served as text/plain.',
    (found) => (found === 'application/octet-stream' ? 'text/plain' : found)),
  served('served-range', 'hard', 'A part of a file is served as application/octet-stream.',
    (found, file, x) => (x.headers.range ? 'application/octet-stream' : found)),
  bug('metadata-name-of-source', 'naming.path', 'yes', 'fileName in the answer of the URL route is the name in the URL, filePath ends with the given one.', inAnswer(function rename({ object }, file) {
    const last = file.route === 'url' ? this.decodeLink(file.source.original)?.split('/').pop() : '';
    if (last) object.data.fileName = last;
  })),
  bug('metadata-head-length', 'content.byte-exact', 'hard', 'HEAD tells a length of 0.', {
    async serve(next, x, file) {
      const answer = await next(x, file);
      return x.method === 'HEAD' ? { ...answer, body: Buffer.alloc(0) } : answer;
    },
  }),
];

export const INPUT = [...REQUIRED, ...BASE64, ...LEFT, ...TAKEN, ...FACTS];
