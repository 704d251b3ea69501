// Bugs of keys: who is let in, what a refusal leaves behind, and what is checked first.

import { bug, isChunked, MIB, pause } from './node_bug.mjs';

/** Let in whoever the test accepts, beside those with a valid key. */
const alsoIf = (test) => ({
  authorize(next, x) {
    const account = next(x);
    return account ?? (test.call(this, x, x.headers.authorization ?? '', this.keys[0]) ? this.accounts.get(this.keys[0]) : null);
  },
});
const bearer = (value) => /^bearer +(.*)$/i.exec(value)?.[1];

const LET_IN = [
  bug('auth-url-open', 'auth.exact', 'yes', 'The URL route lets a request without any Authorization in.',
    alsoIf((x, value) => x.route === 'url' && value === '')),
  bug('auth-base64-any-token', 'auth.exact', 'yes', 'The base64 route takes any bearer token.',
    alsoIf((x, value) => x.route === 'base64' && bearer(value))),
  bug('auth-prefix', 'auth.exact', 'yes', 'A token is compared over its own length only, so each beginning of the key is valid.',
    alsoIf((x, value, key) => bearer(value) && key.startsWith(bearer(value)))),
  bug('auth-longer', 'auth.exact', 'yes', 'A token that starts with the key is valid.',
    alsoIf((x, value, key) => bearer(value)?.startsWith(key))),
  bug('auth-suffix', 'auth.exact', 'yes', 'A token that ends with the key is valid.',
    alsoIf((x, value, key) => bearer(value)?.endsWith(key))),
  bug('auth-case', 'auth.exact', 'yes', 'Keys are compared without regard to case.',
    alsoIf((x, value, key) => bearer(value)?.toLowerCase() === key.toLowerCase())),
  bug('auth-bare', 'auth.bearer', 'yes', 'The key is taken without a scheme.',
    alsoIf((x, value, key) => value === key)),
  bug('auth-any-scheme', 'auth.bearer', 'yes', 'The key is taken under any scheme, such as Token.',
    alsoIf((x, value, key) => value.split(' ')[1] === key && value.split(' ').length === 2)),
  bug('auth-last-word', 'auth.exact', 'hard', 'Only the last word of the header is compared, so that Bearer x K is valid.',
    alsoIf((x, value, key) => value.split(' ').length > 2 && value.split(' ').at(-1) === key)),
  bug('auth-first-word', 'auth.exact', 'hard', 'Whatever follows the key behind a space is ignored.',
    alsoIf((x, value, key) => bearer(value)?.split(' ')[0] === key)),
  bug('auth-query', 'auth.bearer', 'hard', 'A key in the query (api_key, key or token) is taken where no header is.',
    alsoIf((x, value, key) => value === '' && ['api_key', 'apiKey', 'key', 'token', 'access_token'].some((name) => x.query.get(name) === key))),
  bug('auth-x-api-key', 'auth.bearer', 'hard', 'A key in X-API-Key is taken where no Authorization is.',
    alsoIf((x, value, key) => value === '' && x.headers['x-api-key'] === key)),
  bug('auth-empty-token', 'auth.exact', 'yes', 'Bearer with nothing behind it is taken.',
    alsoIf((x, value) => /^bearer$/i.test(value.trim()))),
  bug('auth-undefined', 'auth.exact', 'hard', 'The tokens undefined and null, which sloppy clients send, are taken.',
    alsoIf((x, value) => ['undefined', 'null'].includes(bearer(value)))),
  bug('auth-one-of-many', 'auth.exact', 'hard', 'Of tokens separated by commas one valid one is enough.',
    alsoIf((x, value, key) => value.split(',').some((one) => bearer(one.trim()) === key))),
  bug('auth-second-header', 'auth.exact', 'hard', 'Of two Authorization headers one valid one is enough.',
    alsoIf((x, value, key) => x.all('authorization').length > 1 && x.all('authorization').some((one) => bearer(one) === key))),
  bug('auth-sixteen', 'auth.exact', 'hard', 'Only the first sixteen characters of a key are compared, and its length.',
    alsoIf((x, value, key) => bearer(value)?.length === key.length && key.length > 16 && bearer(value).slice(0, 16) === key.slice(0, 16))),
  bug('auth-last-character', 'auth.exact', 'yes', 'The last character of the key is not compared.',
    alsoIf((x, value, key) => bearer(value)?.length === key.length && bearer(value).slice(0, -1) === key.slice(0, -1))),
  bug('auth-connection', 'auth.exact', 'hard', 'A connection on which a valid key was seen lets later requests in without one.', () => ({
    authorize(next, x) {
      const account = next(x);
      if (account) x.socket.account = account;
      return account ?? (x.headers.authorization === undefined ? (x.socket.account ?? null) : null);
    },
  })),
  bug('auth-chunked-open', 'auth.exact', 'hard', 'A chunked request is passed on before its key is looked at.',
    alsoIf((x) => isChunked(x))),
  bug('auth-large-open', 'auth.exact', 'hard', 'The key of a request above 1 MiB is not looked at.',
    alsoIf((x) => x.body?.length > MIB)),
  bug('auth-overlap', 'auth.exact', 'hard', 'The account is kept in a global, so a request without a key that overlaps with a valid one is let in.', () => ({
    async admit(next, x) {
      x.valid = this.authorize(x) !== null;
      const met = [...this.inFlight];
      await pause(15);
      const other = [...met, ...this.inFlight].find((one) => one !== x && one.valid);
      return x.valid || !other ? next(x) : Object.assign(x, { account: other.account ?? this.accounts.get(this.keys[0]) });
    },
  })),
  bug('auth-existing-open', 'auth.exact', 'hard', 'A key is asked for new files only: without one a file that is there can be replaced by a form.', {
    async admit(next, x) {
      if (!this.authorize(x) && x.route === 'stream' && x.method === 'POST') {
        const account = this.accounts.get(this.keys[0]);
        const fields = await this.readForm(x);
        const file = { account, folder: fields.uploadPath, fileName: fields.fileName };
        file.filePath = this.filePath(file);
        if (this.find(this.linkOf(file), x)) return Object.assign(x, { account });
      }
      return next(x);
    },
  }),
  bug('auth-lockout', 'auth.bearer', 'yes', 'After four refused keys in a row the next valid one is refused as well.', () => {
    let refused = 0;
    return {
      authorize(next, x) {
        const account = next(x);
        const locked = refused >= 4;
        refused = account ? 0 : refused + 1;
        return locked ? null : account;
      },
    };
  }),
];

/** Do something with the form or JSON of a request that has no valid key, before it is refused. */
const onIntruder = (act) => ({
  async admit(next, x) {
    if (!this.authorize(x) && x.method === 'POST') {
      const spied = { ...x, account: this.accounts.get(this.keys[0]) };
      try {
        await act.call(this, spied);
      } catch {
        return next(x);
      }
    }
    return next(x);
  },
});

async function described(service, x) {
  const fields = await service.readFields(x);
  service.check(x, fields);
  return service.describe(x, fields, await service.readSource(x, fields));
}

/** Check a request as if it had a key, so that its other faults are told first. */
const faultsFirst = (check) => ({
  async admit(next, x) {
    if (x.method === 'POST' && !this.authorize(x)) await check.call(this, x);
    return next(x);
  },
});

const LEFT_BEHIND = [
  bug('auth-stored-before', 'auth.changes-nothing', 'yes', 'A form without a valid key is refused after it was stored.', onIntruder(async function store(x) {
    if (x.route === 'stream') await this.keep(x, await described(this, x));
  })),
  bug('auth-refused-deletes', 'auth.changes-nothing', 'yes', 'A base64 upload without a valid key removes the file of its name before it is refused.', onIntruder(async function remove(x) {
    if (x.route === 'base64') this.files.delete((await described(this, x)).key);
  })),
  bug('auth-refused-url-empties', 'auth.changes-nothing', 'hard', 'A URL upload without a valid key leaves an empty file in place of the one of its name.', onIntruder(async function empty(x) {
    const old = x.route === 'url' && this.files.get((await described(this, x)).key);
    if (old) Object.assign(old, { bytes: Buffer.alloc(0), size: 0 });
  })),
  bug('auth-delete-open', 'auth.changes-nothing', 'yes', 'DELETE of a link removes the file, and nobody is asked for a key.', {
    linkMethod(next, x) {
      if (x.method === 'DELETE') this.files.delete(this.keyOf(this.decodeLink(x.path)));
      return next(x);
    },
  }),
  bug('auth-put-open', 'auth.changes-nothing', 'hard', 'PUT to a link replaces the bytes of the file, and nobody is asked for a key.', {
    linkMethod(next, x) {
      const file = this.find(this.decodeLink(x.path), x);
      if (x.method === 'PUT' && file) Object.assign(file, { bytes: x.body, size: x.body.length });
      return next(x);
    },
  }),
  bug('auth-refused-restarts-life', 'auth.changes-nothing', 'hard', 'An upload without a valid key restarts the life of the file of its name.', onIntruder(async function touch(x) {
    const file = await described(this, x);
    const old = this.files.get(file.key);
    if (old && this.isAlive(old, x)) old.expiresAt = file.expiresAt;
  })),
];

const ORDER = [
  bug('auth-fields-first', 'auth.first', 'yes', 'The base64 route tells missing fields before a missing key.', faultsFirst(async function check(x) {
    if (x.route === 'base64') this.check(x, await this.readFields(x));
  })),
  bug('auth-media-first', 'auth.first', 'yes', 'A body of another media type is refused before the key is looked at.', faultsFirst(async function check(x) {
    if (x.route === 'stream' && this.mediaType(x).value !== 'multipart/form-data') await this.readFields(x);
  })),
  bug('auth-malformed-first', 'auth.first', 'yes', 'JSON that cannot be parsed is refused before the key is looked at.', faultsFirst(async function check(x) {
    if (x.route !== 'stream' && this.isJson(x)) await this.readFields(x);
  })),
  bug('auth-base64-first', 'auth.first', 'hard', 'Text that is no base64 is refused before the key is looked at, when all fields are there.', faultsFirst(async function check(x) {
    const text = /"base64Data"\s*:\s*"([^"\\]+)"/.exec(x.body.toString())?.[1];
    if (x.route === 'base64' && text && /"uploadPath"/.test(x.body)) this.decoded(text, x);
  })),
  bug('auth-wrong-key-400', 'auth.bearer', 'yes', 'A header with another scheme is refused as a bad request, 400.', {
    refused(next, x, status, message) {
      const other = status === 401 && x.headers.authorization && !/^bearer/i.test(x.headers.authorization);
      return next(x, other ? 400 : status, message);
    },
  }),
  bug('auth-403', 'auth.bearer', 'yes', 'A wrong key, unlike a missing one, is refused with 403.', {
    refused(next, x, status, message) { return next(x, status === 401 && x.headers.authorization ? 403 : status, message); },
  }),
  bug('auth-downloads-closed', 'auth.downloads-open', 'yes', 'A link asks for the key.', {
    takeDownload(next, x) { return this.authorize(x) ? next(x) : this.refused(x, 401, this.texts.key); },
  }),
  bug('auth-downloads-wrong-key', 'auth.downloads-open', 'hard', 'A link that is read with a wrong key in the header answers 401.', {
    takeDownload(next, x) { return x.headers.authorization && !this.authorize(x) ? this.refused(x, 401, this.texts.key) : next(x); },
  }),
  bug('auth-downloads-head-closed', 'auth.downloads-open', 'hard', 'HEAD of a link asks for the key, GET does not.', {
    takeDownload(next, x) { return x.method === 'HEAD' && !this.authorize(x) ? this.refused(x, 401, this.texts.key) : next(x); },
  }),
  bug('auth-downloads-generated-closed', 'auth.downloads-open', 'hard', 'Links of files with generated names ask for the key.', {
    serve(next, x, file) { return file.generated && !this.authorize(x) ? this.refused(x, 401, this.texts.key) : next(x, file); },
  }),
];

export const AUTH = [...LET_IN, ...LEFT_BEHIND, ...ORDER];
