// Reading links, as steps that a way or a bug may wrap; it knows nothing of uploads.

import { createHash } from 'node:crypto';

const NOTHING = Buffer.alloc(0);

export class Downloads {
  async takeDownload(x) {
    x.isDownload = true;
    await this.receive(x);
    if (!this.isReading(x)) return this.linkMethod(x);
    const link = this.decodeLink(x.path);
    const file = link === undefined ? undefined : this.find(link, x);
    return file ? this.serve(x, file) : this.gone(x, link);
  }

  isReading(x) {
    return x.method === 'GET' || x.method === 'HEAD';
  }

  linkMethod(x) {
    const answer = this.refused(x, 405, this.texts.method);
    answer.headers.allow = 'GET, HEAD';
    return answer;
  }

  decodeLink(path) {
    try {
      return decodeURIComponent(path);
    } catch {
      return undefined;
    }
  }

  /** The living file behind a link, or undefined. */
  find(link, x) {
    const file = this.files.get(this.keyOf(link));
    return file && this.isAlive(file, x) ? file : undefined;
  }

  /** Once expired a file stays so, also when the clock is set back. */
  isAlive(file) {
    file.gone ||= this.clock.now() >= file.expiresAt;
    return !file.gone;
  }

  sweep() {
    for (const file of this.files.values()) this.isAlive(file);
  }

  gone(x) {
    return this.refused(x, 404, this.texts.gone);
  }

  bytesOf(file) {
    return file.bytes;
  }

  fileHeaders(file, bytes) {
    return {
      'content-type': file.servedType,
      'cache-control': 'public, max-age=86400',
      etag: this.etagOf(file, bytes),
      'last-modified': new Date(file.at).toUTCString(),
      'accept-ranges': 'bytes',
    };
  }

  etagOf(file, bytes) {
    return `"${createHash('md5').update(bytes).digest('hex')}"`;
  }

  async serve(x, file) {
    const bytes = await this.bytesOf(file, x);
    const headers = this.fileHeaders(file, bytes, x);
    if (this.isUnchanged(x, headers)) {
      delete headers['content-type'];
      return { status: 304, headers, body: NOTHING };
    }
    const range = this.rangeOf(x, headers, bytes.length);
    if (range === null) return { status: 200, headers, body: bytes };
    if (range === undefined) return this.unsatisfiable(x, bytes.length);
    return this.part(headers, bytes, range);
  }

  part(headers, bytes, [first, last]) {
    headers['content-range'] = `bytes ${first}-${last}/${bytes.length}`;
    return { status: 206, headers, body: bytes.subarray(first, last + 1) };
  }

  unsatisfiable(x, length) {
    const answer = this.refused(x, 416, 'Range not satisfiable');
    answer.headers['content-range'] = `bytes */${length}`;
    return answer;
  }

  isUnchanged(x, headers) {
    const tags = x.headers['if-none-match'];
    if (tags !== undefined) return this.matches(tags, headers.etag);
    const since = Date.parse(x.headers['if-modified-since'] ?? '');
    return !Number.isNaN(since) && Date.parse(headers['last-modified']) <= since;
  }

  matches(tags, etag) {
    const plain = tags.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
    return tags.trim() === '*' || plain.includes(etag?.replace(/^W\//, ''));
  }

  /** First and last byte of the range asked for; null for the whole, undefined beyond the end. */
  rangeOf(x, headers, length) {
    const match = /^bytes=(\d*)-(\d*)$/i.exec(x.headers.range ?? '');
    const condition = x.headers['if-range'];
    const current = [undefined, headers.etag, headers['last-modified']].includes(condition);
    if (!match || match[0].length === 'bytes=-'.length || !current) return null;
    const [from, to] = match.slice(1);
    if (from === '') return Number(to) > 0 && length > 0 ? [Math.max(length - Number(to), 0), length - 1] : undefined;
    if (to !== '' && Number(to) < Number(from)) return null;
    if (Number(from) >= length) return undefined;
    return [Number(from), to === '' ? length - 1 : Math.min(Number(to), length - 1)];
  }
}
