// Bugs of overwriting and of expiry.

import { bug, DAY, HOUR, inAnswer, inKeep, inRead, MIB } from './node_bug.mjs';
import { extensionOf } from './node_media.mjs';

const latest = (name, visible, says, change) => bug(`overwrite-${name}`, 'overwrite.latest-bytes', visible, says, change);
const others = (name, visible, says, change) => bug(`overwrite-${name}`, 'overwrite.nothing-else', visible, says, change);

/** Keep the old file of a name where the test says so; the answer tells the new one all the same. */
const keepsOld = (test) => inKeep(function choose(file, old, keep) {
  return old && test.call(this, file, old) ? file : keep();
});
const isAscii = (text) => /^[\x21-\x7e]*$/.test(text);
const seconds = (milliseconds) => Math.trunc(milliseconds / 1000);
const stemOf = (link) => link.replace(/\.[^./]*$/, '');

/** Serve what a link gave when it was read first, where the test says so. */
const cached = (keyOf, test = () => true) => () => {
  const cache = new Map();
  return inRead((bytes, file, x) => {
    const key = keyOf(file, x);
    if (!cache.has(key)) cache.set(key, bytes);
    return test(file, x) ? cache.get(key) : bytes;
  });
};

const OVERWRITE = [
  latest('first-stays', 'yes', 'A second upload of a name is answered with success and dropped.',
    keepsOld(() => true)),
  latest('same-size', 'yes', 'An upload of the same size counts as unchanged.',
    keepsOld((file, old) => file.size === old.size)),
  latest('same-head', 'hard', 'An upload of the same size that starts with the same 256 bytes counts as unchanged.',
    keepsOld((file, old) => file.size === old.size && file.size > 256 && file.bytes.subarray(0, 256).equals(old.bytes.subarray(0, 256)))),
  latest('same-second', 'yes', 'Of two uploads within one second of the clock the first one stays.',
    keepsOld((file, old) => seconds(file.at) <= seconds(old.at))),
  latest('same-millisecond', 'hard', 'Of two uploads with the same time of the clock, as when it stands still, the first one stays.',
    keepsOld((file, old) => file.at <= old.at)),
  latest('empty', 'yes', 'An empty file does not replace one that has bytes.',
    keepsOld((file) => file.size === 0)),
  latest('smaller-large', 'hard', 'A file above 1 MiB is not replaced by a smaller one.',
    keepsOld((file, old) => old.size > MIB && file.size < old.size)),
  latest('third', 'yes', 'A third version of a file is dropped.', inKeep((file, old, keep) => {
    file.version = (old?.version ?? 0) + 1;
    return file.version === 3 ? file : keep();
  })),
  latest('tenth', 'hard', 'From the tenth version on a file stays as it is.', inKeep((file, old, keep) => {
    file.version = (old?.version ?? 0) + 1;
    return file.version > 9 ? file : keep();
  })),
  latest('other-route', 'yes', 'A file that came by a form is not replaced by JSON.',
    keepsOld((file, old) => old.route === 'stream' && file.route !== 'stream')),
  latest('url-after-base64', 'hard', 'A URL upload does not replace a file that came as base64.',
    keepsOld((file, old) => old.route === 'base64' && file.route === 'url')),
  latest('other-type', 'yes', 'A file of another type does not replace one; the answer tells the new one.',
    keepsOld((file, old) => file.mimeType !== old.mimeType)),
  latest('tail', 'yes', 'Where the new content is shorter the tail of the old one stays behind it.', inKeep((file, old, keep) => {
    if (old && old.bytes.length > file.bytes.length) file.bytes = Buffer.concat([file.bytes, old.bytes.subarray(file.bytes.length)]);
    return keep();
  })),
  latest('tail-of-large', 'hard', 'The tail of the old content stays behind the new one where both are above 64 KiB.', inKeep((file, old, keep) => {
    if (old && file.bytes.length > 65_536 && old.bytes.length > file.bytes.length) file.bytes = Buffer.concat([file.bytes, old.bytes.subarray(file.bytes.length)]);
    return keep();
  })),
  latest('cut', 'yes', 'Where the new content is longer it is cut to the length of the old one.', inKeep((file, old, keep) => {
    if (old) file.bytes = file.bytes.subarray(0, old.bytes.length);
    return keep();
  })),
  latest('cached', 'yes', 'What was read from a link before an overwrite is served ever after.',
    cached((file) => file.key)),
  latest('cached-escaped', 'hard', 'The cache is purged by the plain path, so links that hold escapes stay as they were read before.',
    cached((file) => (isAscii(file.link) && !/[%#?"<>[\]{}|\\^`]/.test(file.link) ? `${file.key} ${file.at}` : file.key))),
  latest('cached-deep', 'hard', 'The cache is not purged of files whose folder has more than one level.',
    cached((file) => (file.folder.includes('/') ? file.key : file))),
  latest('cached-query', 'hard', 'A link with a query stays as it was read before an overwrite.',
    cached((file, x) => (x.query.size ? `${file.key}?${x.query}` : file))),
  latest('cached-by-etag', 'hard', 'ETags tell the path only, so a conditional read after an overwrite says 304.', {
    etagOf(next, file) { return next(file, Buffer.from(file.key)); },
  }),
  latest('modified-since', 'hard', 'Last-Modified stays that of the first version, so a conditional read by time says 304.', {
    ...inKeep((file, old, keep) => {
      file.first = old?.first ?? file.at;
      return keep();
    }),
    fileHeaders(next, file, ...more) { return { ...next(file, ...more), 'last-modified': new Date(file.first).toUTCString() }; },
  }),
  latest('head-old', 'hard', 'HEAD tells the length of the version before.', {
    keep(next, x, file) { const old = this.files.get(file.key); return Object.assign(next(x, file), { old }); },
    serve(next, x, file) { return next(x, x.method === 'HEAD' && file.old ? file.old : file); },
  }),
  latest('range-old', 'hard', 'A range is taken from the version before.', {
    keep(next, x, file) { const old = this.files.get(file.key); return Object.assign(next(x, file), { old }); },
    serve(next, x, file) { return next(x, x.headers.range && file.old ? file.old : file); },
  }),
  latest('new-link', 'yes', 'A replaced file has a new link, the old link gives the old bytes.', {
    linkOf(next, file) {
      const count = [...this.files.values()].filter((one) => one.filePath === file.filePath && one.account === file.account).length;
      const link = next(file);
      return count && !file.generated ? link.replace(/^\/[^/]+/, `$&${count}`) : link;
    },
  }),
  bug('overwrite-suffix', 'naming.given', 'yes', 'A name that is taken gets (1) at its end.', {
    describe(next, x, fields, source) {
      const file = next(x, fields, source);
      if (file.generated || !this.find(file.link, x)) return file;
      const end = extensionOf(fields.fileName) ? `.${extensionOf(fields.fileName)}` : '';
      fields.fileName = `${fields.fileName.slice(0, fields.fileName.length - end.length)} (1)${end}`;
      return next(x, fields, source);
    },
  }),
  bug('overwrite-conflict', 'overwrite.latest-bytes', 'yes', 'A name that is taken is refused with 400 on the base64 route.', {
    keep(next, x, file) {
      if (x.route === 'base64' && this.find(file.link, x)) throw Object.assign(new Error('taken'), { taken: true });
      return next(x, file);
    },
    async takeUpload(next, x) {
      try { return await next(x); } catch (error) { if (error.taken) return this.refused(x, 400, 'File exists'); throw error; }
    },
  }),
  bug('overwrite-size-old', 'metadata.size', 'yes', 'The answer to an overwrite tells the size of the version before.', inKeep((file, old, keep) => {
    if (old) file.size = old.bytes.length;
    return keep();
  })),
  bug('overwrite-type-old', 'metadata.type-is-served', 'yes', 'A replaced file is served with the type of its first version.', inKeep((file, old, keep) => {
    if (old) file.servedType = old.servedType;
    return keep();
  })),
  bug('overwrite-time-old', 'metadata.time', 'yes', 'uploadedAt of an overwrite is that of the first version.', () => {
    const first = new Map();
    return inAnswer(({ object }, file) => {
      object.data.uploadedAt = first.get(file.key) ?? object.data.uploadedAt;
      first.set(file.key, object.data.uploadedAt);
    });
  }),
  others('folder', 'yes', 'An overwrite removes the other files of its folder.', inKeep(function clear(file, old, keep) {
    for (const [key, other] of this.files) if (old && other.folder === file.folder && other.account === file.account) this.files.delete(key);
    return keep();
  })),
  others('prefix', 'hard', 'An overwrite removes all files whose link starts with its own.', inKeep(function clear(file, old, keep) {
    for (const key of this.files.keys()) if (old && key.startsWith(file.key)) this.files.delete(key);
    return keep();
  })),
  others('sibling', 'hard', 'An overwrite removes files that differ in the extension only.', inKeep(function clear(file, old, keep) {
    for (const key of this.files.keys()) if (old && stemOf(key) === stemOf(file.key)) this.files.delete(key);
    return keep();
  })),
  others('same-name', 'yes', 'An overwrite replaces the files of the same name in other folders too.', inKeep(function spread(file, old, keep) {
    for (const other of this.files.values()) if (old && other.fileName === file.fileName && other.account === file.account) other.bytes = file.bytes;
    return keep();
  })),
  others('subfolder', 'hard', 'An overwrite in a folder removes the file of that name in the folders below.', inKeep(function clear(file, old, keep) {
    for (const [key, other] of this.files) if (old && other.fileName === file.fileName && other.folder.startsWith(`${file.folder}/`)) this.files.delete(key);
    return keep();
  })),
  others('case', 'yes', 'Links are found without regard to case, so A.txt replaces a.txt.',
    { keyOf(next, link) { return next(link).toLowerCase(); } }),
  others('case-folder', 'hard', 'Folders are told apart without regard to case, names are not.',
    { keyOf(next, link) { return next(link).replace(/^.*\//, (folder) => folder.toLowerCase()); } }),
  others('spaces', 'hard', 'Names that differ in spaces at their ends share a place.',
    { keyOf(next, link) { return next(link).split('/').map((part) => part.trim()).join('/'); } }),
  others('composed', 'hard', 'Names that differ in composition only (é as one character or two) share a place.',
    { keyOf(next, link) { return next(link).normalize('NFC'); } }),
  others('joined', 'hard', 'Folder and name are joined without a slash in the store: ab + c and a + bc share a place.',
    { keyOf(next, link) { return next(link).replaceAll('/', ''); } }),
  others('dashes', 'hard', 'Slashes become dashes in the store: a/b and a-b share a place.',
    { keyOf(next, link) { return next(link).replaceAll('/', '-'); } }),
  others('long', 'hard', 'Only the first 128 characters of a link tell files apart.',
    { keyOf(next, link) { return next(link).slice(0, 128); } }),
  others('punctuation', 'hard', 'Everything but letters, digits, dots and slashes is an underscore in the store.',
    { keyOf(next, link) { return next(link).replace(/[^\p{L}\p{N}./]/gu, '_'); } }),
  others('plus-space', 'hard', 'A plus sign and a space share a place in the store.',
    { keyOf(next, link) { return next(link).replaceAll('+', ' '); } }),
  others('hash', 'hard', 'Files lie under a hash of twelve bits of their link.', {
    keyOf(next, link) { return String([...next(link)].reduce((sum, sign) => (sum * 31 + sign.codePointAt(0)) & 0xfff, 7)); },
  }),
];

const lives = (name, visible, says, milliseconds) => bug(`expiry-${name}`, 'expiry.three-days', visible, says, { expiry(next, file) { return milliseconds.call(this, next(file), file); } });
const reads = (name, visible, says, edit) => bug(`expiry-${name}`, 'expiry.reading', visible, says, { serve(next, x, file) { edit.call(this, file, x); return next(x, file); } });
const restarts = (name, visible, says, edit) => bug(`expiry-${name}`, 'overwrite.restarts-life', visible, says, inKeep(edit));
const midnight = (time) => Math.trunc(time / DAY) * DAY;

/** When a file expires, as the clock is moved, those that the test accepts go with it. */
const dragsAlong = (test) => ({
  sweep(next) {
    const due = [...this.files.values()].filter((file) => this.clock.now() >= file.expiresAt);
    for (const file of due) for (const [key, other] of this.files) if (test(other, file) && other.account === file.account) this.files.delete(key);
    return next();
  },
});

const EXPIRY = [
  lives('never', 'yes', 'Files never expire.', () => Infinity),
  lives('one-day', 'yes', 'Files live for 24 hours.', (end) => end - 2 * DAY),
  lives('two-days', 'yes', 'Files live for 48 hours.', (end) => end - DAY),
  lives('fourth-day', 'yes', 'Whole days are counted, so files live for four.', (end) => end + DAY),
  lives('hour-early', 'yes', 'Files end an hour early.', (end) => end - HOUR),
  lives('hour-late', 'yes', 'Files end an hour late.', (end) => end + HOUR),
  lives('zone', 'yes', 'The end is reckoned eight hours off, in another time zone.', (end) => end + 8 * HOUR),
  lives('midnight', 'yes', 'Files end at the midnight before three days are over.', midnight),
  lives('next-midnight', 'yes', 'Files end at the midnight after three days are over.',
    (end) => midnight(end) + DAY),
  lives('base64-day', 'yes', 'Files that came as base64 live for one day.',
    (end, file) => (file.route === 'base64' ? end - 2 * DAY : end)),
  lives('url-forever', 'yes', 'Files that came by URL never end.',
    (end, file) => (file.route === 'url' ? Infinity : end)),
  lives('generated-day', 'hard', 'Files with generated names live for one day.',
    (end, file) => (file.generated ? end - 2 * DAY : end)),
  lives('large-day', 'hard', 'Files above 1 MiB live for one day.',
    (end, file) => (file.size > MIB ? end - 2 * DAY : end)),
  lives('empty-forever', 'hard', 'Empty files never end.', (end, file) => (file.size === 0 ? Infinity : end)),
  lives('images-longer', 'hard', 'Images live for seven days.',
    (end, file) => (file.mimeType.startsWith('image/') ? end + 4 * DAY : end)),
  lives('no-extension', 'hard', 'Files without an extension are missed by the sweeper.',
    (end, file) => (file.fileName.includes('.') ? end : Infinity)),
  lives('root-only', 'hard', 'The sweeper looks at folders of one level only.',
    (end, file) => (file.folder.split('/').length > 2 ? Infinity : end)),
  lives('five-minutes', 'hard', 'Files end five minutes early.', (end) => end - 300_000),
  bug('expiry-on-upload', 'expiry.three-days', 'yes', 'Expired files are removed when the next upload comes, not before.', {
    isAlive() { return true; },
    describe(next, x, ...given) {
      for (const [key, file] of this.files) if (this.clock.now() >= file.expiresAt) this.files.delete(key);
      return next(x, ...given);
    },
  }),
  bug('expiry-empty-200', 'expiry.three-days', 'yes', 'An expired link answers 200 with an empty body.', {
    gone(next, x, link) { return this.files.has(this.keyOf(link ?? '')) ? { status: 200, headers: { 'content-type': 'application/octet-stream' }, body: Buffer.alloc(0) } : next(x, link); },
  }),
  bug('expiry-200-envelope', 'expiry.three-days', 'yes', 'An expired link answers 200 with an envelope that says 404.', {
    gone(next, x, link) { return { ...next(x, link), status: 200 }; },
  }),
  bug('expiry-head-alive', 'expiry.three-days', 'hard', 'HEAD of an expired link answers 200.',
    { isAlive(next, file, x) { return next(file, x) || x?.method === 'HEAD'; } }),
  bug('expiry-range-alive', 'expiry.three-days', 'hard', 'A range of an expired link is still served.',
    { isAlive(next, file, x) { return next(file, x) || Boolean(x?.headers?.range && x.isDownload); } }),
  bug('expiry-304', 'expiry.three-days', 'hard', 'A conditional read of an expired link says 304.', {
    isAlive(next, file, x) { return next(file, x) || Boolean(x?.isDownload && x.headers['if-none-match']); },
  }),
  bug('expiry-query-alive', 'expiry.three-days', 'hard', 'A link with a query is served beyond its end.',
    { isAlive(next, file, x) { return next(file, x) || Boolean(x?.isDownload && x.query.size); } }),
  bug('expiry-ten-a-sweep', 'expiry.three-days', 'hard', 'The sweeper removes the ten oldest expired files only, once each time the clock moves.', () => {
    const swept = new Set();
    return {
      sweep() {
        const due = [...this.files.values()].filter((file) => !swept.has(file) && this.clock.now() >= file.expiresAt);
        due.slice(0, 10).forEach((file) => swept.add(file));
      },
      isAlive(next, file) { return !swept.has(file); },
    };
  }),
  bug('expiry-back-again', 'expiry.three-days', 'hard', 'An expired file is back once another is uploaded to its folder.', inKeep(function revive(file, old, keep) {
    for (const other of this.files.values()) if (other.gone && other.folder === file.folder) Object.assign(other, { gone: false, expiresAt: file.expiresAt });
    return keep();
  })),
  reads('reading', 'yes', 'Each read restarts the life of a file.',
    function touch(file) { file.expiresAt = this.clock.now() + this.retention; }),
  reads('head', 'hard', 'HEAD restarts the life of a file.',
    function touch(file, x) { if (x.method === 'HEAD') file.expiresAt = this.clock.now() + this.retention; }),
  reads('range', 'hard', 'Reading a range restarts the life of a file.',
    function touch(file, x) { if (x.headers.range) file.expiresAt = this.clock.now() + this.retention; }),
  reads('cached-a-day', 'yes', 'A file that was read is served from a cache for a day, whatever its age.',
    function touch(file) { file.expiresAt = Math.max(file.expiresAt, this.clock.now() + DAY); }),
  reads('last-day', 'hard', 'A read within the last day adds one more.',
    function touch(file) { if (file.expiresAt - this.clock.now() < DAY) file.expiresAt += DAY; }),
  bug('expiry-shortens', 'expiry.three-days', 'hard', 'A file that was read ends a day after it at the latest.', {
    serve(next, x, file) {
      file.expiresAt = Math.min(file.expiresAt, this.clock.now() + DAY);
      return next(x, file);
    },
  }),
  bug('expiry-sibling-read', 'expiry.of-its-own', 'hard', 'A read restarts the life of all files in the folder but the one read.', {
    serve(next, x, file) {
      for (const other of this.files.values()) if (other !== file && other.folder === file.folder) other.expiresAt = this.clock.now() + this.retention;
      return next(x, file);
    },
  }),
  bug('expiry-folder', 'expiry.of-its-own', 'yes', 'When one file expires its whole folder goes.',
    dragsAlong((other, file) => other.folder === file.folder)),
  bug('expiry-folder-latest', 'expiry.of-its-own', 'yes', 'A file lives as long as the youngest one of its folder.', {
    keep(next, x, file) {
      for (const other of this.files.values()) if (other.folder === file.folder && other.account === file.account) other.expiresAt = file.expiresAt;
      return next(x, file);
    },
  }),
  bug('expiry-same-bytes', 'expiry.of-its-own', 'hard', 'Files of equal content share a life: they end with the oldest of them.', inKeep(function share(file, old, keep) {
    const twin = [...this.files.values()].find((other) => this.isAlive(other) && other.key !== file.key && other.bytes.equals(file.bytes));
    if (twin) file.expiresAt = Math.min(file.expiresAt, twin.expiresAt);
    return keep();
  })),
  bug('expiry-same-name', 'expiry.of-its-own', 'hard', 'When a file expires those of its name in other folders go with it.',
    dragsAlong((other, file) => other.fileName === file.fileName)),
  bug('expiry-prefix', 'expiry.of-its-own', 'hard', 'When a file expires those whose link starts with its own go with it.',
    dragsAlong((other, file) => other.link.startsWith(file.link))),
  restarts('first-upload', 'yes', 'Life is counted from the first upload of a name.', (file, old, keep) => {
    if (old) file.expiresAt = old.expiresAt;
    return keep();
  }),
  restarts('adds', 'yes', 'An overwrite adds three days to what was left.', function add(file, old, keep) {
    if (old) file.expiresAt = old.expiresAt + this.retention;
    return keep();
  }),
  restarts('half', 'hard', 'An overwrite adds one day only.', (file, old, keep) => {
    if (old) file.expiresAt = Math.min(file.expiresAt, old.expiresAt + DAY);
    return keep();
  }),
  restarts('same-content', 'hard', 'An overwrite with the same bytes does not restart life.', (file, old, keep) => {
    if (old?.bytes.equals(file.bytes)) file.expiresAt = old.expiresAt;
    return keep();
  }),
  restarts('second-overwrite', 'hard', 'Only the first overwrite restarts life.', (file, old, keep) => {
    file.version = (old?.version ?? 0) + 1;
    if (file.version > 2) file.expiresAt = old.expiresAt;
    return keep();
  }),
  restarts('json-overwrite', 'hard', 'An overwrite by JSON does not restart life.', (file, old, keep) => {
    if (old && file.route !== 'stream') file.expiresAt = old.expiresAt;
    return keep();
  }),
  restarts('last-day-only', 'hard', 'An overwrite restarts life on the last day only.', function late(file, old, keep) {
    if (old && old.expiresAt - this.clock.now() > DAY) file.expiresAt = old.expiresAt;
    return keep();
  }),
  bug('expiry-tombstone', 'overwrite.latest-bytes', 'yes', 'A name that has expired once stays dead: later uploads of it are answered but not kept.', {
    keep(next, x, file) { const old = this.files.get(file.key); return old && !this.isAlive(old) ? file : next(x, file); },
  }),
  bug('expiry-old-timer', 'overwrite.restarts-life', 'hard', 'The timer of the version before removes the file, unless its size has changed.', inKeep((file, old, keep) => {
    if (old && old.size === file.size) file.expiresAt = old.expiresAt;
    return keep();
  })),
];

export const LIFE = [...OVERWRITE, ...EXPIRY];
