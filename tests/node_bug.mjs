// How a bug is told, and what many bugs ask; it knows no bug.

/**
 * breaks: the id of a claim of openapi.yaml; visible: whether a black-box suite with a clock and
 * about 1,500 requests can reasonably see it, 'yes' or 'hard'; change: steps, or what makes them.
 */
export const bug = (name, breaks, visible, says, change) => ({ name, says, breaks, visible, change });

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
export const MIB = 1024 * 1024;
export const HOUR = 3_600_000; // milliseconds
export const DAY = 24 * HOUR;
export const isChunked = (x) => x.headers['transfer-encoding'] !== undefined;

/** Change the answer that an upload is given when it was taken. */
export const inAnswer = (edit) => ({
  accepted(next, x, file) {
    const answer = next(x, file);
    return edit.call(this, answer, file, x) ?? answer;
  },
});
/** Change the facts of a file in the answer of its upload. */
export const inFacts = (edit) => ({
  facts(next, file, x) {
    const facts = next(file, x);
    edit.call(this, facts, file, x);
    return facts;
  },
});
/** Change a refusal; the edit sees its status and text. */
export const inRefusal = (edit) => ({
  refused(next, x, status, message) {
    const answer = next(x, status, message);
    return edit.call(this, answer, x, status, message) ?? answer;
  },
});
/** Change the name that an upload gives. */
export const inName = (edit) => ({
  checkedName(next, name, x) {
    const kept = next(name, x);
    return kept === undefined ? kept : edit.call(this, kept, x);
  },
});
/** Change the bytes that an upload keeps. */
export const inBytes = (edit) => ({
  async readSource(next, x, fields) {
    const source = await next(x, fields);
    source.bytes = edit.call(this, source.bytes, x, source, fields);
    return source;
  },
});
/** Change the bytes that a link gives. */
export const inRead = (edit) => ({
  async bytesOf(next, file, x) {
    return edit.call(this, await next(file, x), file, x);
  },
});
/** Change how a file is kept; the edit sees the file of its key before, if one is alive. */
export const inKeep = (edit) => ({
  keep(next, x, file) {
    const old = this.files.get(file.key);
    const alive = old !== undefined && this.isAlive(old, x) ? old : undefined;
    return edit.call(this, file, alive, () => next(x, file), x);
  },
});
