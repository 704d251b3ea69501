// Bugs of names, paths and links.

import { createHash, randomBytes } from 'node:crypto';

import { bug, inFacts, inName } from './node_bug.mjs';
import { extensionOf } from './node_media.mjs';
import { Refusal } from './node_service.mjs';

const given = (name, visible, says, edit) => bug(`naming-${name}`, 'naming.given', visible, says, inName(edit));
const onRoute = (route, edit) => (name, x) => (x.route === route ? edit(name) : name);

const GIVEN = [
  given('spaces', 'yes', 'Spaces in the fileName of a form become underscores.',
    onRoute('stream', (name) => name.replaceAll(' ', '_'))),
  given('double-space', 'hard', 'Two spaces in a row become one.', (name) => name.replace(/ {2,}/g, ' ')),
  given('trimmed', 'yes', 'Spaces at the ends of fileName are cut off in JSON.',
    (name, x) => (x.route === 'stream' ? name : name.trim() || name)),
  given('lower-extension', 'yes', 'The extension is turned to lower case.',
    (name) => name.replace(/\.[^.]+$/, (end) => end.toLowerCase())),
  given('lower', 'yes', 'fileName is turned to lower case on the base64 route.',
    onRoute('base64', (name) => name.toLowerCase())),
  given('composed', 'yes', 'fileName is normalised to NFC.', (name) => name.normalize('NFC')),
  given('compatible', 'hard', 'fileName is normalised to NFKC: ligatures and wide digits change, composed letters do not.',
    (name) => (name === name.normalize('NFC') ? name.normalize('NFKC') : name)),
  given('plus', 'yes', 'A plus sign becomes a space.', (name) => name.replaceAll('+', ' ')),
  given('percent', 'yes', 'Percent escapes in fileName are decoded.', (name) => {
    try { return decodeURIComponent(name).replaceAll('/', '_'); } catch { return name; }
  }),
  given('percent-quote', 'hard', '%22 in the fileName of a form becomes a quotation mark, as is right for file names in headers only.',
    onRoute('stream', (name) => name.replaceAll('%22', '"'))),
  given('cut-at-100', 'yes', 'fileName is cut to 100 characters, the extension kept.',
    (name) => (name.length > 100 ? name.slice(0, 100 - extensionOf(name).length - 1) + name.slice(-extensionOf(name).length - 1) : name)),
  given('cut-at-255-bytes', 'hard', 'fileName is cut to 255 bytes of UTF-8 where it has fewer than 256 characters.', (name) => {
    let kept = name;
    while (Buffer.byteLength(kept) > 255) kept = [...kept].slice(0, -1).join('');
    return kept;
  }),
  given('adds-extension', 'yes', 'A fileName without extension gets one.',
    (name) => (name.includes('.') ? name : `${name}.bin`)),
  given('dots', 'yes', 'Of a name with several dots only the first and the last piece are kept.',
    (name) => (name.split('.').length > 2 && !name.startsWith('.') ? `${name.split('.')[0]}.${name.split('.').at(-1)}` : name)),
  given('dots-in-a-row', 'hard', 'Two dots in a row become one, against traversal.',
    (name) => name.replaceAll('..', '.')),
  given('trailing-dot', 'hard', 'A dot at the end of fileName is cut off.',
    (name) => name.replace(/(?<=[^.])\.$/, '')),
  given('emoji', 'yes', 'Characters beyond the basic plane become question marks.',
    (name) => name.replace(/[\u{10000}-\u{10ffff}]/gu, '?')),
  given('emoji-dropped-base64', 'yes', 'Characters beyond the basic plane are dropped in JSON.',
    (name, x) => (x.route === 'stream' ? name : name.replace(/[\u{10000}-\u{10ffff}]/gu, '') || name)),
  given('quotes', 'yes', 'Quotation marks and apostrophes are removed.',
    (name) => name.replace(/["']/g, '') || name),
  given('semicolon', 'yes', 'fileName is cut at a semicolon.', (name) => name.split(';')[0] || name),
  given('parentheses', 'hard', 'A number in parentheses before the extension is removed, as of a second download.',
    (name) => name.replace(/ ?\(\d+\)(?=\.[^.]*$)/, '')),
  given('zero-width', 'hard', 'Zero-width characters are removed.',
    (name) => name.replace(/[\u200b-\u200f\ufeff]/g, '') || name),
  given('backslash', 'hard', 'What stands before a backslash is cut off.',
    (name) => name.split('\\').pop() || name),
  given('html', 'yes', 'An ampersand, < and > are escaped as in HTML.',
    (name) => name.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')),
  given('question', 'yes', 'fileName is cut at a question mark, as if it were a URL.',
    (name) => name.split('?')[0] || name),
  given('hash', 'yes', 'fileName is cut at a number sign.', (name) => name.split('#')[0] || name),
  given('devices', 'hard', 'Names of devices, such as con and aux, get an underscore.',
    (name) => name.replace(/^(con|aux|nul|prn|com\d|lpt\d)(?=\.|$)/i, '_$1')),
  given('colon', 'hard', 'Colons, pipes, stars and angle brackets become dashes.',
    (name) => name.replace(/[:|*<>]/g, '-')),
  given('long-refused', 'yes', 'A fileName of more than 128 characters is refused with 400.', (name) => {
    if (name.length > 128) throw new Refusal(400, 'Invalid parameter: fileName');
    return name;
  }),
  bug('naming-zero', 'naming.given', 'hard', 'The fileName 0 counts as none, as in PHP.', {
    givenName(next, fields, x) { return fields.fileName === '0' ? undefined : next(fields, x); },
  }),
  bug('naming-dotfile', 'naming.given', 'yes', 'A fileName that starts with a dot counts as an extension only: a name is generated.', {
    givenName(next, fields, x) { return fields.fileName?.startsWith('.') ? undefined : next(fields, x); },
  }),
  bug('naming-one-character', 'naming.given', 'hard', 'A fileName of one character counts as none.', {
    givenName(next, fields, x) { return fields.fileName?.length === 1 ? undefined : next(fields, x); },
  }),
  bug('naming-url-own', 'naming.given', 'yes', 'The URL route takes the name in the URL, although fileName is given.', {
    givenName(next, fields, x) {
      const last = x.route === 'url' && fields.fileName ? new URL(fields.fileUrl).pathname.split('/').pop() : '';
      return last || next(fields, x);
    },
  }),
  bug('naming-true-extension', 'naming.given', 'yes', 'An extension that contradicts the content is replaced.', {
    describe(next, x, fields, source) {
      const true_ = source.bytes.subarray(1, 4).toString('latin1') === 'PNG' ? 'png' : undefined;
      const own = extensionOf(fields.fileName);
      if (true_ && own && own.toLowerCase() !== true_) fields.fileName = `${fields.fileName.slice(0, -own.length)}${true_}`;
      return next(x, fields, source);
    },
  }),
  bug('naming-garbled', 'naming.given', 'yes', 'Text fields of a form are decoded as Latin-1.', {
    fieldText(next, part) { return part.data.toString('latin1'); },
  }),
  bug('naming-garbled-typed', 'naming.given', 'hard', 'Text fields of a form that carry a content type are decoded as Latin-1.', {
    fieldText(next, part) { return part.type ? part.data.toString('latin1') : next(part); },
  }),
  bug('naming-name-first', 'stream.field-order', 'yes', 'fileName is not seen in a form where it stands behind the file.', {
    fieldsOf(next, parts, x) {
      const names = parts.map(({ name }) => name);
      const fields = next(parts, x);
      if (names.indexOf('fileName') > names.indexOf('file')) fields.fileName = undefined;
      return fields;
    },
  }),
  bug('naming-null-text', 'input.null-is-absent', 'yes', 'A fileName of null becomes the name null on the URL route.', {
    checkedName(next, name, x) { return next(name === null && x.route === 'url' ? 'null' : name, x); },
  }),
  bug('naming-null-refused', 'input.null-is-absent', 'yes', 'A fileName of null is refused on the base64 route.', {
    checkedName(next, name, x) {
      if (name === null && x.route === 'base64') throw new Refusal(400, this.texts.invalid('fileName'));
      return next(name, x);
    },
  }),
];

const inExtension = (edit) => ({ extension(next, source, x) { return edit.call(this, next(source, x), source, x); } });

const GENERATED = [
  bug('naming-no-extension', 'naming.generated', 'yes', 'Names that are generated for forms have no extension.',
    inExtension((extension, source, x) => (x.route === 'stream' ? '' : extension))),
  bug('naming-bin', 'base64.data-url', 'yes', 'Names that are generated for plain base64 end with .bin.',
    inExtension((extension, source, x) => (x.route === 'base64' && !source.hint ? '.bin' : extension))),
  bug('naming-data-url-bin', 'base64.data-url', 'yes', 'The type of a data URL is not used for the extension of a generated name, nor is the content.',
    inExtension((extension, source, x) => (x.route === 'base64' && source.hint ? '.bin' : extension))),
  bug('naming-subtype', 'base64.data-url', 'hard', 'The extension is the subtype of a data URL, so that SVG gets .svg+xml and text .plain.',
    inExtension((extension, source, x) => (x.route === 'base64' && /svg\+xml|text\/plain/.test(source.hint) ? `.${source.hint.split('/')[1]}` : extension))),
  bug('naming-no-dot', 'naming.generated', 'yes', 'The dot before the extension of a generated name is missing on the URL route.',
    inExtension((extension, source, x) => (x.route === 'url' ? extension.slice(1) : extension))),
  bug('naming-upper-extension-lost', 'naming.generated', 'hard', 'An upper-case extension of the file sent is not carried over to a generated name.',
    inExtension((extension) => (/[A-Z]/.test(extension) ? '' : extension))),
  bug('naming-long-extension-lost', 'naming.generated', 'hard', 'An extension of more than three characters is cut to three in a generated name.',
    inExtension((extension) => extension.slice(0, 4))),
  bug('naming-original', 'naming.generated', 'yes', 'A form without fileName keeps the name of the file as it was sent, so equal names collide.', {
    givenName(next, fields, x) { return next(fields, x) ?? (x.route === 'stream' ? fields.file.filename || undefined : undefined); },
  }),
  bug('naming-digest', 'naming.unique', 'yes', 'A generated name is a digest of the content: the same content collides.', {
    generatedName(next, extension, x, source) { return createHash('md5').update(source.bytes).digest('hex') + extension; },
  }),
  bug('naming-seconds', 'naming.unique', 'yes', 'A generated name is the time in seconds.', {
    generatedName(next, extension) { return `${Math.trunc(this.clock.now() / 1000)}${extension}`; },
  }),
  bug('naming-milliseconds', 'naming.unique', 'hard', 'A generated name is the time in milliseconds: only uploads of the same millisecond collide.', {
    generatedName(next, extension) { return `${this.clock.now()}${extension}`; },
  }),
  bug('naming-small-random', 'naming.unique', 'hard', 'A generated name has three hexadecimal digits of chance and no time.', {
    generatedName(next, extension) { return `upload-${randomBytes(2).toString('hex').slice(1)}${extension}`; },
  }),
  bug('naming-counter-of-folder', 'naming.unique', 'hard', 'Generated names count the files alive of their folder, so that a name comes again once one has expired.', {
    describe(next, x, fields, source) { return next(Object.assign(x, { folder: fields.uploadPath }), fields, source); },
    generatedName(next, extension, x) {
      const alive = [...this.files.values()].filter((file) => file.folder === x.folder && this.isAlive(file));
      return `file-${alive.length + 1}${extension}`;
    },
  }),
  bug('naming-hundredth', 'naming.unique', 'hard', 'The counter in generated names has two digits and starts again after 99.', () => {
    let count = 0;
    return { generatedName(next, extension) { count = (count + 1) % 100; return `file-${String(count).padStart(2, '0')}${extension}`; } };
  }),
  bug('naming-digest-of-url', 'naming.unique', 'yes', 'A name that is generated for a URL is a digest of the URL.', {
    generatedName(next, extension, x, source) {
      return x.route === 'url' ? createHash('md5').update(source.original).digest('hex') + extension : next(extension, x, source);
    },
  }),
];

const inPath = (edit) => ({ filePath(next, file) { return edit.call(this, next(file), file); } });
const inUrl = (edit) => inFacts(function change(facts, file) { facts.downloadUrl = edit.call(this, facts.downloadUrl, file); });

const PATHS = [
  bug('naming-path-encoded', 'naming.path', 'yes', 'filePath is percent-encoded.',
    inFacts((facts) => { facts.filePath = encodeURI(facts.filePath); })),
  bug('naming-path-of-original', 'naming.path', 'hard', 'fileName in the answer to a form is the name of the file as sent, although another was given.', inFacts((facts, file) => {
    if (file.route === 'stream' && !file.generated && file.source.original) facts.fileName = file.source.original;
  })),
  bug('naming-path-without-name', 'naming.path', 'yes', 'filePath is the folder only where the name was generated.',
    inFacts((facts, file) => { if (file.generated) facts.filePath = file.folder; })),
  bug('naming-path-lower', 'naming.path', 'yes', 'uploadPath is turned to lower case.',
    inPath(function lower(path, file) { return path.replace(file.folder, file.folder.toLowerCase()); })),
  bug('naming-path-three-deep', 'naming.path', 'yes', 'Folders below the third are dropped from uploadPath.',
    { checkedPath(next, path, x) { return next(path, x).split('/').slice(0, 3).join('/'); } }),
  bug('naming-path-spaces', 'naming.path', 'yes', 'Spaces in uploadPath become dashes.',
    { checkedPath(next, path, x) { return next(path, x).replaceAll(' ', '-'); } }),
  bug('naming-path-dots', 'naming.path', 'hard', 'Dots in uploadPath become underscores.',
    { checkedPath(next, path, x) { return next(path, x).replaceAll('.', '_'); } }),
  bug('naming-path-ascii', 'naming.path', 'yes', 'Characters beyond ASCII are dropped from uploadPath.',
    { checkedPath(next, path, x) { return next(path, x).replace(/[^\x00-\x7f]/g, '') || 'uploads'; } }),
  bug('naming-path-repeated', 'naming.path', 'hard', 'A folder that is named like the one above it is dropped from uploadPath.',
    { checkedPath(next, path, x) { return next(path, x).split('/').filter((part, at, all) => part !== all[at - 1]).join('/'); } }),
  bug('naming-path-backslash', 'naming.path', 'hard', 'filePath of the URL route is joined with a backslash.',
    inFacts((facts, file) => { if (file.route === 'url') facts.filePath = `${file.folder}\\${file.fileName}`; })),
  bug('naming-link-raw-space', 'naming.path', 'yes', 'Spaces stand unescaped in downloadUrl.',
    inUrl((url) => url.replaceAll('%20', ' '))),
  bug('naming-link-plus', 'naming.path', 'yes', 'Spaces become plus signs in downloadUrl, as in a query.',
    inUrl((url) => url.replaceAll('%20', '+'))),
  bug('naming-link-unicode', 'naming.path', 'yes', 'Characters beyond ASCII stand unescaped in downloadUrl.',
    inUrl((url) => url.replace(/(?:%[89A-F][0-9A-F])+/g, decodeURIComponent))),
  bug('naming-link-twice', 'naming.path', 'yes', 'downloadUrl is percent-encoded twice, and links are decoded twice.', {
    encodeLink(next, link) { return next(link).replaceAll('%', '%25'); },
    decodeLink(next, path) { const once = next(path); return once?.includes('%') ? next(once) : once; },
  }),
  bug('naming-link-hash', 'naming.path', 'yes', 'A number sign stands unescaped in downloadUrl.',
    inUrl((url) => url.replaceAll('%23', '#'))),
  bug('naming-link-question', 'naming.path', 'yes', 'A question mark stands unescaped in downloadUrl.',
    inUrl((url) => url.replaceAll('%3F', '?'))),
  bug('naming-link-percent', 'naming.path', 'yes', 'A percent sign stands unescaped in downloadUrl.',
    inUrl((url) => url.replaceAll('%25', '%'))),
  bug('naming-link-slashes', 'naming.path', 'yes', 'Slashes of filePath are escaped in downloadUrl.',
    inUrl((url, file) => url.replace(encodeURI(file.folder), encodeURIComponent(file.folder)))),
  bug('naming-link-latin1', 'naming.path', 'hard', 'Characters up to U+00FF are escaped as Latin-1 in downloadUrl, and links are read so.', {
    encodeLink(next, link) { return /^[\x00-\xff]*$/.test(link) ? link.split('/').map((part) => escape(part).replaceAll('+', '%2B')).join('/') : next(link); },
    decodeLink(next, path) { return /%[89A-F]/i.test(path) && next(path) === undefined ? unescape(path) : next(path); },
  }),
  bug('naming-link-of-folder', 'naming.path', 'hard', 'downloadUrl leaves out the folder where it is one level deep; such links work.', {
    encodeLink(next, link) { const [, account, ...path] = link.split('/'); return path.length === 2 ? next(`/${account}/${path[1]}`) : next(link); },
    decodeLink(next, path) {
      const link = next(path);
      const [, account, ...rest] = link?.split('/') ?? [];
      const hit = rest.length === 1 && [...this.files.values()].find((file) => file.account === account && file.link.split('/').length === 4 && file.fileName === rest[0]);
      return hit ? hit.link : link;
    },
  }),
];

export const NAMES = [...GIVEN, ...GENERATED, ...PATHS];
