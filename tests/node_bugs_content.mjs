// Bugs of content: what is kept is not what was sent, or not what is read.

import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';

import { bug, inBytes, inKeep, inRead, isChunked, MIB, pause } from './node_bug.mjs';
import { fetchUrl } from './node_fetch.mjs';
import { isText } from './node_media.mjs';
import { Refusal } from './node_service.mjs';

const exact = (name, visible, says, change) => bug(`content-${name}`, 'content.byte-exact', visible, says, change);
const kept = (name, visible, says, edit) => exact(name, visible, says, inBytes(edit));
const latin1 = (bytes, edit) => Buffer.from(edit(bytes.toString('latin1')), 'latin1');
const startsWith = (bytes, hex) => bytes.subarray(0, hex.length / 2).toString('hex') === hex;
const inStream = (edit) => (bytes, x, ...more) => (x.route === 'stream' ? edit(bytes, x, ...more) : bytes);

const FORMS = [
  kept('final-newline', 'yes', 'A line end at the end of a file in a form is lost.',
    inStream((bytes) => latin1(bytes, (text) => text.replace(/\r\n$/, '')))),
  kept('final-lone-newline', 'yes', 'A lone line feed at the end of a file in a form is lost.',
    inStream((bytes) => latin1(bytes, (text) => text.replace(/([^\r])\n$/, '$1')))),
  kept('leading-newline', 'yes', 'A line end at the start of a file in a form is lost.',
    inStream((bytes) => latin1(bytes, (text) => text.replace(/^\r\n/, '')))),
  kept('final-dashes', 'hard', 'Two dashes at the end of a file in a form are lost.',
    inStream((bytes) => latin1(bytes, (text) => text.replace(/--$/, '')))),
  kept('crlf', 'yes', 'Line feeds of text in a form become CRLF.',
    inStream((bytes) => (isText(bytes) ? latin1(bytes, (text) => text.replace(/(?<!\r)\n/g, '\r\n')) : bytes))),
  kept('text-part', 'yes', 'A file that is declared as text is passed through UTF-8.',
    inStream((bytes, x, { hint }) => (hint?.startsWith('text/') ? Buffer.from(bytes.toString()) : bytes))),
  kept('no-filename-text', 'hard', 'A part without a filename is text: it is passed through UTF-8.',
    inStream((bytes, x, { original }) => (original === undefined ? Buffer.from(bytes.toString()) : bytes))),
  exact('boundary-anywhere', 'hard', 'The boundary is found in the middle of a line too.', {
    partsOf(next, body, boundary, x) {
      const text = body.toString('latin1').replaceAll(new RegExp(`(?<!\\r\\n)(?<!^)(?=--${boundary.replace(/[^\w]/g, '\\$&')})`, 'g'), '\r\n');
      return next(Buffer.from(text, 'latin1'), boundary, x);
    },
  }),
  exact('boundary-prefix', 'hard', 'A line that only starts with the boundary ends a part.', {
    partsOf(next, body, boundary, x) {
      const pattern = new RegExp(`(\\r\\n--${boundary.replace(/[^\w]/g, '\\$&')})(?!--|[ \\t]*\\r\\n)[^\\r\\n]*(?=\\r\\n)`, 'g');
      return next(Buffer.from(body.toString('latin1').replace(pattern, '$1'), 'latin1'), boundary, x);
    },
  }),
  exact('dashes-end', 'hard', 'A line of two dashes in a file ends it.',
    inBytes(inStream((bytes) => latin1(bytes, (text) => text.replace(/\r\n--\r\n[\s\S]*$/, ''))))),
  exact('chunked-tail', 'hard', 'The last byte of a file in a chunked request is lost.',
    inBytes(inStream((bytes, x) => (isChunked(x) ? bytes.subarray(0, -1) : bytes)))),
  exact('chunked-joint', 'hard', 'A chunked body that comes in more than four pieces loses the first byte of the fifth.', {
    async receive(next, x) {
      await next(x);
      if (!isChunked(x) || x.pieces.length < 5 || x.skipped) return;
      const at = x.pieces.slice(0, 4).reduce((sum, length) => sum + length, 0);
      x.body = Buffer.concat([x.body.subarray(0, at), x.body.subarray(at + 1)]);
      x.skipped = true;
    },
  }),
  exact('first-piece', 'hard', 'A body whose first piece is shorter than its first line is read from its second piece on.', {
    async receive(next, x) {
      await next(x);
      const [first = 0] = x.pieces;
      if (x.route === 'stream' && x.pieces.length > 1 && first < 16 && !x.skipped) {
        x.body = x.body.subarray(first);
        x.skipped = true;
      }
    },
  }),
  exact('epilogue', 'hard', 'What follows the last boundary is added to the file.', {
    partsOf(next, body, boundary, x) {
      const parts = next(body, boundary, x);
      const end = Buffer.from(`\r\n--${boundary}--`);
      const rest = body.subarray(body.lastIndexOf(end) + end.length).toString('latin1').trim();
      if (parts?.length && rest) parts.at(-1).data = Buffer.concat([parts.at(-1).data, Buffer.from(rest, 'latin1')]);
      return parts;
    },
  }),
  exact('preamble', 'hard', 'With a preamble before the first boundary the first part is lost.', {
    partsOf(next, body, boundary, x) {
      const parts = next(body, boundary, x);
      return body.indexOf(`--${boundary}`) > 2 ? parts?.slice(1) : parts;
    },
  }),
];

const BYTES = [
  kept('bom', 'yes', 'A byte order mark of UTF-8 is dropped.',
    (bytes) => (startsWith(bytes, 'efbbbf') ? bytes.subarray(3) : bytes)),
  kept('utf16', 'hard', 'Text in UTF-16 is turned to UTF-8.',
    (bytes) => (startsWith(bytes, 'fffe') && bytes.length % 2 === 0 ? Buffer.from(bytes.subarray(2).toString('utf16le')) : bytes)),
  kept('nul', 'yes', 'Base64 content ends at its first NUL byte.',
    (bytes, x) => (x.route === 'base64' && bytes.includes(0) ? bytes.subarray(0, bytes.indexOf(0)) : bytes)),
  kept('nul-at-end', 'hard', 'NUL bytes at the end of a file are cut off.',
    (bytes) => latin1(bytes, (text) => text.replace(/\0+$/, ''))),
  kept('control-z', 'hard', 'Text ends at its first byte 0x1A.',
    (bytes) => (bytes.includes(0x1a) && bytes.every((byte) => byte < 0x80) ? bytes.subarray(0, bytes.indexOf(0x1a)) : bytes)),
  kept('lone-cr', 'hard', 'Lone carriage returns in text become line feeds.',
    (bytes) => (isText(bytes) ? latin1(bytes, (text) => text.replace(/\r(?!\n)/g, '\n')) : bytes)),
  kept('64-kib', 'yes', 'A file whose length is a multiple of 64 KiB loses its last byte.',
    (bytes) => (bytes.length && bytes.length % 65536 === 0 ? bytes.subarray(0, -1) : bytes)),
  kept('64-kib-and-one', 'yes', 'The one byte that follows a whole number of 64 KiB is lost.',
    (bytes) => (bytes.length > 1 && bytes.length % 65536 === 1 ? bytes.subarray(0, -1) : bytes)),
  kept('8-kib', 'yes', 'A file of exactly 8192 bytes gets a NUL byte more.',
    (bytes) => (bytes.length === 8192 ? Buffer.concat([bytes, Buffer.alloc(1)]) : bytes)),
  kept('16-kib-minus-one', 'hard', 'A file of 16383 bytes loses its last byte.',
    (bytes) => (bytes.length === 16383 ? bytes.subarray(0, -1) : bytes)),
  kept('url-1-mib', 'yes', 'A fetched file ends at 1 MiB.',
    (bytes, x) => (x.route === 'url' ? bytes.subarray(0, MIB) : bytes)),
  kept('5-mib-part', 'yes', 'What lies beyond the last whole 5 MiB is lost, once there is one such part.',
    (bytes) => (bytes.length > 5 * MIB ? bytes.subarray(0, bytes.length - (bytes.length % (5 * MIB))) : bytes)),
  kept('1-mib-twice', 'hard', 'The byte at 1 MiB is stored twice.',
    (bytes) => (bytes.length > MIB ? Buffer.concat([bytes.subarray(0, MIB + 1), bytes.subarray(MIB)]) : bytes)),
  kept('json', 'yes', 'JSON files are stored without white space.', (bytes, x, source, { fileName }) => {
    try { return /\.json$/i.test(fileName ?? source.original ?? '') ? Buffer.from(JSON.stringify(JSON.parse(bytes.toString()))) : bytes; } catch { return bytes; }
  }),
  kept('svg-scripts', 'hard', 'Scripts are removed from SVG and HTML.',
    (bytes) => (/<svg|<html/i.test(bytes.subarray(0, 300).toString('latin1')) ? latin1(bytes, (text) => text.replace(/<script[\s\S]*?<\/script>/gi, '')) : bytes)),
  kept('png-tail', 'hard', 'What follows the end chunk of a PNG is dropped.', (bytes) => {
    const end = startsWith(bytes, '89504e47') ? bytes.indexOf('IEND') : -1;
    return end === -1 ? bytes : bytes.subarray(0, end + 8);
  }),
  kept('jpeg-exif', 'hard', 'The Exif segment of a JPEG is dropped.', (bytes) => {
    const found = startsWith(bytes, 'ffd8ffe1') && bytes.length > 6;
    return found ? Buffer.concat([bytes.subarray(0, 2), bytes.subarray(4 + bytes.readUInt16BE(4))]) : bytes;
  }),
  kept('gunzipped', 'hard', 'Gzip files are stored unpacked.', (bytes) => {
    try { return startsWith(bytes, '1f8b') ? gunzipSync(bytes) : bytes; } catch { return bytes; }
  }),
  kept('twice-gzipped', 'hard', 'Text above 100 KiB is compressed in the store and served as it lies there.',
    (bytes) => (bytes.length > 102_400 && isText(bytes) ? gzipSync(bytes) : bytes)),
];

const inBase64 = (edit) => ({ decodeBase64(next, text, x) { return edit.call(this, next, text, x); } });

const BASE64 = [
  exact('base64-plus', 'yes', 'A plus sign in base64 is read as a space and skipped.',
    inBase64((next, text) => (next(text) === null ? null : Buffer.from(text.replaceAll('+', ''), 'base64')))),
  exact('base64-slash', 'hard', 'Two slashes in a row in base64 are read as one.',
    inBase64((next, text) => (next(text) === null ? null : Buffer.from(text.replace(/\/{2}/g, '/'), 'base64')))),
  exact('base64-one-pad', 'yes', 'Base64 with one padding sign loses its last byte.',
    inBase64((next, text) => (/[^=]=$/.test(text) ? next(text)?.subarray(0, -1) ?? null : next(text)))),
  exact('base64-two-pads', 'yes', 'Base64 with two padding signs loses its last byte.',
    inBase64((next, text) => (/==$/.test(text) ? next(text)?.subarray(0, -1) ?? null : next(text)))),
  exact('base64-pieces', 'yes', 'Long base64 is decoded in pieces of 65,537 characters, each on its own.', inBase64((next, text) => {
    const bytes = next(text);
    if (bytes === null || text.length <= 65_537) return bytes;
    return Buffer.concat(text.match(/[\s\S]{1,65537}/g).map((piece) => Buffer.from(piece, 'base64')));
  })),
  exact('base64-long-cut', 'hard', 'Base64 of more than 1,000,000 characters is cut there.',
    inBase64((next, text) => (next(text) === null ? null : Buffer.from(text.slice(0, 1_000_000), 'base64')))),
  exact('base64-text', 'yes', 'Decoded base64 is passed through UTF-8 where a data URL says text.',
    inBytes((bytes, x, { hint }) => (x.route === 'base64' && hint?.startsWith('text/') ? Buffer.from(bytes.toString()) : bytes))),
  bug('content-data-url-charset', 'base64.data-url', 'yes', 'A data URL with a charset is not taken apart, so it is refused.', {
    decoded(next, text, x) {
      if (/^data:[^,]*;\s*charset/i.test(text)) throw new Refusal(400, this.texts.base64);
      return next(text, x);
    },
  }),
  bug('content-data-url-no-type', 'base64.data-url', 'yes', 'A data URL without a type is refused.', {
    decoded(next, text, x) {
      if (/^data:;/i.test(text)) throw new Refusal(400, this.texts.base64);
      return next(text, x);
    },
  }),
  bug('content-data-url-refused', 'base64.data-url', 'yes', 'Data URLs of anything but images are refused.', {
    decoded(next, text, x) {
      if (/^data:(?!image)/i.test(text)) throw new Refusal(400, this.texts.base64);
      return next(text, x);
    },
  }),
  bug('content-data-url-dotted', 'base64.data-url', 'hard', 'Data URLs whose type has a dot, plus or dash, as of office files, are refused.', {
    decoded(next, text, x) {
      if (/^data:[^;,]*[.+-]/i.test(text)) throw new Refusal(400, this.texts.base64);
      return next(text, x);
    },
  }),
  bug('content-data-url-whole', 'base64.data-url', 'yes', 'The head of a data URL is decoded along with the rest.', {
    decoded(next, text, x) {
      const source = next(text, x);
      if (text.startsWith('data:')) source.bytes = Buffer.from(text, 'base64');
      return source;
    },
  }),
];

const fetched = (name, visible, says, change) => bug(`content-${name}`, 'url.fetched', visible, says, change);

const URLS = [
  fetched('url-redirect', 'yes', 'A redirect is not followed: its own body is stored.',
    { fetchUrl(next, address) { return fetchUrl(address, { redirects: 0, anyStatus: true }).catch(() => ({ bytes: Buffer.from('Moved'), type: 'text/html', url: new URL(address), headers: {} })); } }),
  fetched('url-query', 'yes', 'The query of a URL is not sent.',
    { fetchUrl(next, address) { return next(address.split('?')[0]); } }),
  fetched('url-64-kib', 'yes', 'Only the first 64 KiB of a URL are stored.',
    { async fetchUrl(next, address) { const got = await next(address); return { ...got, bytes: got.bytes.subarray(0, 65_536) }; } }),
  fetched('url-cached', 'hard', 'What a URL led to is kept, and stored again when the URL is uploaded again.', () => {
    const cache = new Map();
    return { async fetchUrl(next, address) { if (!cache.has(address)) cache.set(address, await next(address)); return cache.get(address); } };
  }),
  fetched('url-no-length', 'hard', 'A chunked source is stored empty, for it tells no length.',
    { async fetchUrl(next, address) { const got = await next(address); return got.headers['content-length'] === undefined ? { ...got, bytes: Buffer.alloc(0) } : got; } }),
  fetched('url-escapes', 'hard', 'Percent signs of a URL are escaped once more before it is fetched.',
    { fetchUrl(next, address) { return next(address.replaceAll('%', '%25')); } }),
  fetched('url-text', 'yes', 'What a URL leads to is read as text.',
    { async fetchUrl(next, address) { const got = await next(address); return { ...got, bytes: Buffer.from(got.bytes.toString()) }; } }),
  fetched('url-lower', 'hard', 'URLs are turned to lower case before they are fetched.',
    { fetchUrl(next, address) { return next(address.toLowerCase()); } }),
  fetched('url-cached-by-path', 'hard', 'What URLs lead to is kept by host and path, whatever the query.', () => {
    const cache = new Map();
    return {
      async fetchUrl(next, address) {
        const [bare] = address.split('?');
        if (!cache.has(bare)) cache.set(bare, await next(address));
        return cache.get(bare);
      },
    };
  }),
];

const reading = (name, visible, says, edit) => exact(name, visible, says, inRead(edit));

const READ = [
  bug('content-once', 'content.stays', 'yes', 'A link can be read once.', inReadCount(1)),
  bug('content-five-times', 'content.stays', 'hard', 'A link can be read five times.', inReadCount(5)),
  bug('content-second-read-head', 'content.stays', 'yes', 'HEAD counts as the one read that a link allows.', {
    serve(next, x, file) {
      if (file.headed) return this.gone(x);
      file.headed = x.method === 'HEAD';
      return next(x, file);
    },
  }),
  bug('content-not-yet', 'content.byte-exact', 'yes', 'A link answers 404 for half a second after its first upload.', {
    keep(next, x, file) {
      const fresh = !this.files.has(file.key);
      return Object.assign(next(x, file), { ready: performance.now() + (fresh ? 500 : 0) });
    },
    serve(next, x, file) { return performance.now() < file.ready ? this.gone(x) : next(x, file); },
  }),
  reading('email', 'hard', 'Addresses of mail in HTML are hidden when it is read, as an edge may do.',
    (bytes, file) => (file.servedType === 'text/html' ? latin1(bytes, (text) => text.replace(/[\w.]+@[\w.]+\w/g, '[email&#160;protected]')) : bytes)),
  reading('together', 'hard', 'Of reads of one link that overlap the later ones end after half of the file.', async function half(bytes, file, x) {
    const busy = [...this.inFlight].some((one) => one !== x && one.reads === file);
    x.reads = file;
    await pause(15);
    return busy ? bytes.subarray(0, bytes.length >> 1) : bytes;
  }),
  exact('accept-json', 'hard', 'With Accept: application/json a link gives the facts of the file.', {
    serve(next, x, file) { return x.headers.accept === 'application/json' && file.servedType !== 'application/json' ? this.json(x, 200, this.facts(file, x)) : next(x, file); },
  }),
  exact('gz-encoding', 'hard', 'A file whose name ends with .gz is served with Content-Encoding: gzip.', {
    fileHeaders(next, file, ...more) { return { ...next(file, ...more), ...(file.fileName.endsWith('.gz') && { 'content-encoding': 'gzip' }) }; },
  }),
  exact('range-end', 'yes', 'The end of a range is taken as exclusive.',
    { part(next, headers, bytes, [first, last]) { return next(headers, bytes, [first, Math.max(first, last - 1)]); } }),
  exact('range-start', 'hard', 'A range that does not start at 0 starts one byte late, its header says otherwise.', {
    part(next, headers, bytes, [first, last]) { const answer = next(headers, bytes, [first, last]); return first ? { ...answer, body: bytes.subarray(first + 1, last + 2) } : answer; },
  }),
  exact('range-suffix', 'yes', 'A range of the last bytes gives the first ones.', {
    rangeOf(next, x, headers, length) { const range = next(x, headers, length); return range && /=-/.test(x.headers.range) ? [0, range[1] - range[0]] : range; },
  }),
  exact('range-total', 'hard', 'Content-Range tells the length of the part as that of the whole.', {
    part(next, headers, bytes, [first, last]) { const answer = next(headers, bytes, [first, last]); headers['content-range'] = `bytes ${first}-${last}/${last - first + 1}`; return answer; },
  }),
  exact('dedupe-head', 'hard', 'Files of the same size and the same first 512 bytes count as equal: the older bytes are kept.', () => {
    const known = new Map();
    return inBytes((bytes) => {
      const key = `${bytes.length} ${createHash('md5').update(bytes.subarray(0, 512)).digest('hex')}`;
      if (bytes.length > 512 && !known.has(key)) known.set(key, bytes);
      return known.get(key) ?? bytes;
    });
  }),
  exact('dedupe-sum', 'hard', 'Files of the same size and the same sum of bytes count as equal.', () => {
    const known = new Map();
    return inBytes((bytes) => {
      const key = `${bytes.length} ${bytes.reduce((sum, byte) => (sum + byte) % 65536, 0)}`;
      if (!known.has(key)) known.set(key, bytes);
      return known.get(key);
    });
  }),
  exact('large-shared', 'hard', 'Files above 1 MiB lie in one buffer, which the next such upload writes over.', () => {
    const shared = Buffer.alloc(16 * MIB);
    return inKeep((file, old, keep) => {
      if (file.size > MIB && file.size <= shared.length) {
        file.bytes.copy(shared);
        file.bytes = shared.subarray(0, file.size);
      }
      return keep();
    });
  }),
];

function inReadCount(most) {
  return {
    serve(next, x, file) {
      if (x.method !== 'GET') return next(x, file);
      file.reads = (file.reads ?? 0) + 1;
      return file.reads > most ? this.gone(x) : next(x, file);
    },
  };
}

export const CONTENT = [...FORMS, ...BYTES, ...BASE64, ...URLS, ...READ];
