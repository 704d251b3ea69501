// Bugs of concurrency, and of what only shows after many requests.

import { bug, inAnswer, inBytes, inKeep, inRead, MIB, pause } from './node_bug.mjs';
import { Refusal } from './node_service.mjs';

const one = (name, visible, says, change) => bug(`concurrency-${name}`, 'concurrency.one-of-them', visible, says, change);
const apart = (name, visible, says, change) => bug(`concurrency-${name}`, 'concurrency.apart', visible, says, change);
const many = (name, visible, says, change) => bug(`stability-${name}`, 'stability.many', visible, says, change);

/** Wait a little before a file is kept, and tell which other uploads wait at the same time. */
const overlapping = (meet, milliseconds = 20) => () => {
  const waiting = new Set();
  return {
    async keep(next, x, file) {
      const met = [...waiting].filter((other) => other.account === file.account);
      waiting.add(file);
      meet.call(this, file, met);
      await pause(milliseconds);
      waiting.delete(file);
      return file.lost ? file : next(x, file);
    },
  };
};
const halves = (first, second) => Buffer.concat([first.subarray(0, first.length >> 1), second.subarray(second.length >> 1)]);

const CONCURRENCY = [
  one('mixed', 'yes', 'Of two uploads to one name that overlap, half of each is kept.', overlapping((file, met) => {
    const other = met.find(({ key }) => key === file.key);
    if (other) other.bytes = file.bytes = halves(other.bytes, file.bytes);
  })),
  one('length-of-other', 'hard', 'Of two uploads to one name that overlap, the later one is cut to the length of the earlier.', overlapping((file, met) => {
    const other = met.find(({ key }) => key === file.key);
    if (other) file.bytes = file.bytes.subarray(0, other.bytes.length);
  })),
  one('none', 'hard', 'Three uploads or more to one name that overlap leave none.', overlapping(function drop(file, met) {
    const same = met.filter(({ key }) => key === file.key);
    if (same.length >= 2) for (const other of [file, ...same]) other.lost = true;
  })),
  one('type-of-other', 'hard', 'Of two uploads to one name that overlap, bytes of one are served with the type of the other.', overlapping((file, met) => {
    const other = met.find(({ key }) => key === file.key);
    if (other) [file.servedType, other.servedType] = [other.servedType, file.servedType];
  })),
  apart('lost', 'yes', 'Of two uploads to one folder that overlap, the earlier is lost: the list of the folder is written over.', overlapping((file, met) => {
    for (const other of met) if (other.folder === file.folder && other.key !== file.key) other.lost = true;
  })),
  apart('lost-anywhere', 'hard', 'Of more than eight uploads that overlap one is lost.',
    overlapping((file, met) => { if (met.length >= 8) file.lost = true; })),
  apart('same-size', 'hard', 'Uploads of the same size that overlap share a buffer.', overlapping((file, met) => {
    const other = met.find(({ size }) => size === file.size);
    if (other) file.bytes = other.bytes;
  })),
  apart('swapped', 'hard', 'Two uploads that overlap have their contents swapped where they come by different routes.', overlapping((file, met) => {
    const other = met.find(({ route }) => route !== file.route);
    if (other) [file.bytes, other.bytes] = [other.bytes, file.bytes];
  })),
  apart('generated', 'yes', 'Names that are generated while another upload is under way are the same.', () => {
    let last;
    return {
      generatedName(next, extension, x, source) {
        const busy = [...this.inFlight].some((other) => other !== x && other.naming);
        x.naming = true;
        if (!busy || !last) last = next('', x, source);
        return last + extension;
      },
      async keep(next, x, file) {
        await pause(file.generated ? 15 : 0);
        return next(x, file);
      },
    };
  }),
  apart('answers', 'yes', 'Uploads that overlap are all answered with the facts of the latest one.', () => {
    let latest;
    return {
      async keep(next, x, file) {
        latest = file;
        const kept = next(x, file);
        await pause(15);
        return latest ?? kept;
      },
    };
  }),
  apart('overload', 'hard', 'With more than four uploads under way the next one is an internal error.', () => {
    let busy = 0;
    return {
      async keep(next, x, file) {
        if (busy >= 4) throw new Refusal(500, this.texts.internal);
        busy += 1;
        await pause(20);
        busy -= 1;
        return next(x, file);
      },
    };
  }),
  bug('concurrency-read-while-written', 'content.stays', 'hard', 'A file that is read while it is replaced is empty for 25 ms.', inKeep(async (file, old, keep) => {
    if (old) {
      const { bytes } = old;
      old.bytes = Buffer.alloc(0);
      await pause(25);
      old.bytes = bytes;
    }
    return keep();
  })),
  bug('concurrency-gone-while-written', 'content.stays', 'hard', 'A link answers 404 for 25 ms while its file is replaced: it is removed first.', inKeep(async function remove(file, old, keep) {
    if (old) {
      this.files.delete(file.key);
      await pause(25);
    }
    return keep();
  })),
  bug('concurrency-aborted', 'input.changes-nothing', 'hard', 'A form whose client goes away halfway leaves what came of it under its name.', {
    async receive(next, x) {
      try {
        await next(x);
      } catch (error) {
        const boundary = x.route === 'stream' && this.mediaType(x).parameters.boundary;
        const received = Buffer.concat(x.partial ?? []);
        const parts = boundary && this.partsOf(Buffer.concat([received, Buffer.from(`\r\n--${boundary}--`)]), boundary, x);
        x.account = this.authorize(x);
        const fields = parts && x.account ? this.fieldsOf(parts, x) : {};
        if (fields.file && fields.uploadPath) {
          this.check(x, fields);
          const file = this.describe(x, fields, await this.readSource(x, fields));
          await this.keep(x, file);
        }
        throw error;
      }
    },
  }),
  bug('concurrency-latest-body', 'content.byte-exact', 'hard', 'The body is kept in a global: a request that waits for its key meets the body of the one behind it.', () => {
    let latest;
    return {
      async admit(next, x) {
        latest = x.body;
        await pause(5);
        const same = x.headers['content-type'] !== undefined && latest.length === x.body.length;
        if (same) x.body = latest;
        return next(x);
      },
    };
  }),
];

const newest = (most, test) => inKeep(function evict(file, old, keep) {
  const kept = keep();
  const candidates = [...this.files.values()].filter((other) => other.account === file.account && test(other, file));
  for (const other of candidates.slice(0, Math.max(candidates.length - most, 0))) this.files.delete(other.key);
  return kept;
});
const everyNth = (period, edit) => () => {
  let count = 0;
  return inBytes((bytes) => {
    count += 1;
    return count % period ? bytes : edit(bytes);
  });
};
const cachedBy = (keyOf) => () => {
  const cache = new Map();
  return inRead((bytes, file) => {
    const key = keyOf(file);
    const hit = cache.get(key);
    if (!hit || hit.file.key === file.key) cache.set(key, { file, bytes });
    return cache.get(key).bytes;
  });
};

const STABILITY = [
  many('twenty-a-folder', 'yes', 'A folder holds its twenty newest files.',
    newest(20, (other, file) => other.folder === file.folder)),
  many('hundred-a-folder', 'hard', 'A folder holds its hundred newest files.',
    newest(100, (other, file) => other.folder === file.folder)),
  many('ten-generated', 'yes', 'A folder holds its ten newest files with generated names.',
    newest(10, (other, file) => file.generated && other.generated && other.folder === file.folder)),
  many('same-extension', 'hard', 'Of one extension a folder holds sixteen files.',
    newest(16, (other, file) => other.folder === file.folder && other.fileName.split('.').pop() === file.fileName.split('.').pop())),
  many('hundred', 'hard', 'The store holds the hundred newest files.', newest(100, () => true)),
  many('large-evicts', 'hard', 'A file above 4 MiB drives all others out.', inKeep(function evict(file, old, keep) {
    if (file.size > 4 * MIB) for (const [key, other] of this.files) if (other.account === file.account) this.files.delete(key);
    return keep();
  })),
  many('unread', 'hard', 'A file that was not read while fifty others were uploaded is dropped.', {
    keep(next, x, file) {
      for (const [key, other] of this.files) if (!other.read && (other.passed = (other.passed ?? 0) + 1) > 50) this.files.delete(key);
      return next(x, file);
    },
    serve(next, x, file) { file.read = true; return next(x, file); },
  }),
  many('level-up', 'hard', 'A new file of the same name one folder up takes the place of the one below.', inKeep(function evict(file, old, keep) {
    for (const [key, other] of this.files) if (other.fileName === file.fileName && other.folder.replace(/\/[^/]*$/, '') === file.folder && other.folder !== file.folder) this.files.delete(key);
    return keep();
  })),
  bug('stability-fiftieth', 'content.byte-exact', 'hard', 'Each fiftieth upload loses its last byte.',
    everyNth(50, (bytes) => bytes.subarray(0, -1))),
  bug('stability-seventeenth', 'content.byte-exact', 'yes', 'Each seventeenth upload is stored empty.',
    everyNth(17, () => Buffer.alloc(0))),
  bug('stability-hundredth-read', 'content.stays', 'hard', 'Each hundredth read is cut to half.', () => {
    let count = 0;
    return inRead((bytes) => {
      count += 1;
      return count % 100 ? bytes : bytes.subarray(0, bytes.length >> 1);
    });
  }),
  bug('stability-cache-by-name', 'content.stays', 'yes', 'A cache of reads goes by the name of a file only, whatever its folder.',
    cachedBy((file) => file.fileName)),
  bug('stability-cache-by-folder-name', 'content.stays', 'hard', 'A cache of reads goes by the last folder and the name of a file.',
    cachedBy((file) => file.filePath.split('/').slice(-2).join('/'))),
  bug('stability-cache-lower', 'content.stays', 'hard', 'A cache of reads does not regard case.',
    cachedBy((file) => file.link.toLowerCase())),
  bug('stability-cache-cut', 'content.stays', 'hard', 'A cache of reads goes by the first 64 characters of a path.',
    cachedBy((file) => file.filePath.slice(0, 64))),
  bug('stability-cache-escaped', 'content.stays', 'hard', 'A cache of reads drops everything beyond ASCII from its keys.',
    cachedBy((file) => file.link.replace(/[^\x21-\x7e]/g, ''))),
  bug('stability-name-left', 'naming.generated', 'hard', 'An upload without fileName takes the one that came before it on the same connection.', {
    givenName(next, fields, x) {
      const given = next(fields, x);
      if (given !== undefined) x.socket.lastName = given;
      return given ?? x.socket.lastName;
    },
  }),
  bug('stability-path-left', 'input.required', 'hard', 'A form without uploadPath takes the one that came before it on the same connection.', {
    check(next, x, fields) {
      if (x.route === 'stream') fields.uploadPath ||= x.socket.lastPath;
      x.socket.lastPath = fields.uploadPath || x.socket.lastPath;
      return next(x, fields);
    },
  }),
  bug('stability-poisoned', 'envelope.success', 'yes', 'After JSON that cannot be parsed the next upload is an internal error.', () => {
    let poisoned = false;
    return {
      readFields(next, x) {
        if (poisoned) {
          poisoned = false;
          throw new Refusal(500, this.texts.internal);
        }
        try {
          return next(x);
        } catch (error) {
          poisoned = error.message === this.texts.malformed && x.route !== 'stream';
          throw error;
        }
      },
    };
  }),
  bug('stability-hint-left', 'metadata.type', 'hard', 'An upload that declares no type takes the one that was declared before it.', () => {
    let last;
    return {
      async readSource(next, x, fields) {
        const source = await next(x, fields);
        last = source.hint ?? last;
        source.hint ??= last;
        return source;
      },
    };
  }),
  bug('stability-link-remembered', 'naming.path', 'hard', 'downloadUrl is remembered by name: a file of that name in another folder is answered with the link of the first.', () => {
    const known = new Map();
    return inAnswer(({ object }, file) => {
      if (!known.has(file.fileName)) known.set(file.fileName, object.data.downloadUrl);
      object.data.downloadUrl = known.get(file.fileName);
    });
  }),
  bug('stability-thousandth-key', 'auth.bearer', 'hard', 'From the five hundredth request with it on a valid key is refused.', () => {
    let count = 0;
    return { authorize(next, x) { count += 1; return count > 500 ? null : next(x); } };
  }),
];

export const LOAD = [...CONCURRENCY, ...STABILITY];
