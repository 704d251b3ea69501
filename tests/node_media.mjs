// Media types from content and names, and extensions from both; it knows nothing of HTTP.

const BY_EXTENSION = {
  png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', gif: 'image/gif', webp: 'image/webp',
  bmp: 'image/bmp', svg: 'image/svg+xml', ico: 'image/x-icon', tif: 'image/tiff', tiff: 'image/tiff',
  avif: 'image/avif', heic: 'image/heic', mp4: 'video/mp4', m4v: 'video/mp4', mov: 'video/quicktime',
  webm: 'video/webm', mkv: 'video/x-matroska', avi: 'video/x-msvideo', mp3: 'audio/mpeg',
  wav: 'audio/wav', ogg: 'audio/ogg', flac: 'audio/flac', m4a: 'audio/mp4', aac: 'audio/aac',
  pdf: 'application/pdf', zip: 'application/zip', gz: 'application/gzip', tar: 'application/x-tar',
  '7z': 'application/x-7z-compressed', rar: 'application/vnd.rar', wasm: 'application/wasm',
  json: 'application/json', xml: 'application/xml', txt: 'text/plain', log: 'text/plain',
  md: 'text/markdown', csv: 'text/csv', html: 'text/html', htm: 'text/html', css: 'text/css',
  js: 'text/javascript', mjs: 'text/javascript', yaml: 'application/yaml', yml: 'application/yaml',
  doc: 'application/msword', bin: 'application/octet-stream', woff: 'font/woff', woff2: 'font/woff2',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  pptx: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
};
const ZIPPED = new Set(['docx', 'xlsx', 'pptx']);

const MAGIC = [
  [0, '89504e470d0a1a0a', 'image/png'], [0, 'ffd8ff', 'image/jpeg'], [0, '474946383761', 'image/gif'],
  [0, '474946383961', 'image/gif'], [0, '255044462d', 'application/pdf'], [0, '504b0304', 'application/zip'],
  [0, '504b0506', 'application/zip'], [0, '1f8b08', 'application/gzip'], [0, '494433', 'audio/mpeg'],
  [0, 'fffb', 'audio/mpeg'], [0, '4f676753', 'audio/ogg'], [0, '664c6143', 'audio/flac'],
  [0, '1a45dfa3', 'video/webm'], [0, '49492a00', 'image/tiff'], [0, '4d4d002a', 'image/tiff'],
  [0, '377abcaf271c', 'application/x-7z-compressed'], [0, '526172211a07', 'application/vnd.rar'],
  [0, '0061736d01000000', 'application/wasm'], [0, '00000100', 'image/x-icon'], [0, '774f4646', 'font/woff'],
  [0, '774f4632', 'font/woff2'], [4, '6674797061766966', 'image/avif'], [4, '6674797068656963', 'image/heic'],
  [4, '667479707174', 'video/quicktime'], [4, '667479704d3441', 'audio/mp4'], [4, '66747970', 'video/mp4'],
  [257, '7573746172', 'application/x-tar'],
].map(([offset, hex, type]) => ({ offset, magic: Buffer.from(hex, 'hex'), type }));
const RIFF = { WEBP: 'image/webp', WAVE: 'audio/wav', 'AVI ': 'video/x-msvideo' };

/** The type that the first bytes give away, or undefined. */
export function typeOfContent(bytes) {
  if (bytes.subarray(0, 4).toString('latin1') === 'RIFF') {
    return RIFF[bytes.subarray(8, 12).toString('latin1')];
  }
  if (bytes.subarray(0, 2).toString('latin1') === 'BM' && bytes.length >= 26 && bytes.readUInt32LE(2) === bytes.length) {
    return 'image/bmp';
  }
  const hit = MAGIC.find(({ offset, magic }) => bytes.subarray(offset, offset + magic.length).equals(magic));
  if (hit) return hit.type;
  const start = bytes.subarray(0, 512).toString('utf8').replace(/^\uFEFF/, '').trimStart();
  if (/^(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]*?-->\s*)?<svg[\s>]/i.test(start)) return 'image/svg+xml';
  if (/^<(?:!doctype html|html)[\s>]/i.test(start)) return 'text/html';
  return undefined;
}

/** The extension of a name without its dot, or '' where there is none. */
export function extensionOf(name) {
  return /[^/]\.([A-Za-z0-9]{1,16})$/.exec(name ?? '')?.[1] ?? '';
}

export function typeOfName(name) {
  return BY_EXTENSION[extensionOf(name).toLowerCase()];
}

/** The extension that files of a type have; 'bin' for a type that nobody knows. */
export function extensionFor(type) {
  const hit = Object.entries(BY_EXTENSION).find(([, known]) => known === type);
  return hit ? hit[0] : 'bin';
}

export function isText(bytes) {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return !/[\x00-\x08\x0e-\x1a\x1c-\x1f]/.test(text);
  } catch {
    return false;
  }
}

/** A declared type that tells something, without its parameters; undefined otherwise. */
export function hintOf(declared) {
  const type = (declared ?? '').split(';', 1)[0].trim().toLowerCase();
  return /^[\w.+-]+\/[\w.+-]+$/.test(type) && type !== 'application/octet-stream' ? type : undefined;
}

/** The type of a file: from its content, then its name, then what was declared. */
export function identify(bytes, name, hint) {
  const found = typeOfContent(bytes);
  if (found === 'application/zip' && ZIPPED.has(extensionOf(name).toLowerCase())) return typeOfName(name);
  if (found) return found;
  return typeOfName(name) ?? hint ?? (isText(bytes) ? 'text/plain' : 'application/octet-stream');
}
