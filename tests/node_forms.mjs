// Takes multipart/form-data apart, byte by byte (RFC 7578); it knows nothing of uploads.

const CRLF = Buffer.from('\r\n');
const BLANK_LINE = Buffer.from('\r\n\r\n');

/** A header value and its parameters: 'a/b; c="d"' is {value: 'a/b', parameters: {c: 'd'}}. */
export function parseHeader(text) {
  const [value] = text.split(';', 1);
  const parameters = {};
  const pattern = /;\s*([^\s=;]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*))/g;
  for (const [, name, quoted, bare] of text.slice(value.length).matchAll(pattern)) {
    const plain = quoted === undefined ? bare.trim() : quoted.replace(/\\(["\\])/g, '$1');
    parameters[name.toLowerCase()] ??= plain;
  }
  return { value: value.trim().toLowerCase(), parameters };
}

/** The delimiters of a body, in order: where each starts and ends, and whether it is the last. */
function* delimiters(body, boundary) {
  const dashes = Buffer.from(`--${boundary}`);
  for (let at = body.indexOf(dashes); at !== -1; at = body.indexOf(dashes, at + 1)) {
    const lineStart = at === 0 || (at >= 2 && body.subarray(at - 2, at).equals(CRLF));
    if (!lineStart) continue;
    let end = at + dashes.length;
    if (body.subarray(end, end + 2).toString('latin1') === '--') {
      yield { start: Math.max(at - 2, 0), end: end + 2, last: true };
      return;
    }
    while (body[end] === 0x20 || body[end] === 0x09) end += 1;
    if (!body.subarray(end, end + 2).equals(CRLF)) continue;
    yield { start: Math.max(at - 2, 0), end: end + 2, last: false };
  }
}

/** Headers (lower case) and content of one part, or null without a blank line between them. */
function parsePart(bytes) {
  const bare = bytes.subarray(0, 2).equals(CRLF);
  const split = bare ? 0 : bytes.indexOf(BLANK_LINE);
  if (split === -1) return null;
  const headers = {};
  for (const line of bytes.subarray(0, split).toString('utf8').split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) headers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { headers, data: bytes.subarray(split + (bare ? CRLF : BLANK_LINE).length) };
}

function extendedValue(text) {
  const match = /^utf-8'[^']*'(.*)$/i.exec(text ?? '');
  try {
    return match ? decodeURIComponent(match[1]) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The parts of a form: name, filename (undefined without one), declared type, headers and data.
 * Null for a body that is no complete form.
 */
export function splitForm(body, boundary) {
  const parts = [];
  let open = null;
  for (const delimiter of delimiters(body, boundary)) {
    if (open !== null) {
      const part = parsePart(body.subarray(open, Math.max(delimiter.start, open)));
      if (part === null) return null;
      const { parameters } = parseHeader(part.headers['content-disposition'] ?? '');
      const filename = extendedValue(parameters['filename*']) ?? parameters.filename;
      parts.push({ ...part, name: parameters.name, filename, type: part.headers['content-type'] });
    }
    if (delimiter.last) return parts;
    open = delimiter.end;
  }
  return null;
}
