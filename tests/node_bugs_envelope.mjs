// Bugs of the envelope, and of methods and media types.

import { bug, inAnswer, inFacts, inRefusal, MIB } from './node_bug.mjs';

const page = (status, text, type = 'text/html') => ({ status, headers: { 'content-type': type }, body: Buffer.from(text) });
const isMissing = (message) => message.startsWith('Missing');

const SUCCESS = [
  bug('envelope-url-no-msg', 'envelope.success', 'yes', 'The URL route answers success without msg.', inAnswer(({ object }, file) => {
    if (file.route === 'url') delete object.msg;
  })),
  bug('envelope-code-text', 'envelope.success', 'yes', 'code is the text "200" on the base64 route.', inAnswer(({ object }, file) => {
    if (file.route === 'base64') object.code = '200';
  })),
  bug('envelope-success-one', 'envelope.success', 'yes', 'success is 1 instead of true on the URL route.', inAnswer(({ object }, file) => {
    if (file.route === 'url') object.success = 1;
  })),
  bug('envelope-code-zero', 'envelope.success', 'yes', 'code is 0 where a file was replaced.', () => {
    const seen = new Set();
    return inAnswer(({ object }, file) => {
      if (seen.has(file.key)) object.code = 0;
      seen.add(file.key);
    });
  }),
  bug('envelope-201', 'envelope.success', 'yes', 'A form is answered with status 201, code says 200.', inAnswer((answer, file) => {
    if (file.route === 'stream') answer.status = 201;
  })),
  bug('envelope-generated-201', 'envelope.success', 'yes', 'Status and code are 201 where the name was generated.', inAnswer((answer, file) => {
    if (file.generated) Object.assign(answer, { status: 201 }).object.code = 201;
  })),
  bug('envelope-no-size-of-nothing', 'envelope.success', 'yes', 'fileSize is left out where it is 0.', inFacts((facts) => {
    if (facts.fileSize === 0) delete facts.fileSize;
  })),
  bug('envelope-null-type', 'envelope.success', 'yes', 'mimeType is null where the type is not known.', inFacts((facts) => {
    if (facts.mimeType === 'application/octet-stream') facts.mimeType = null;
  })),
  bug('envelope-replaced-no-time', 'envelope.success', 'yes', 'uploadedAt is left out where a file was replaced.', () => {
    const seen = new Set();
    return inFacts((facts, file) => {
      if (seen.has(file.key)) delete facts.uploadedAt;
      seen.add(file.key);
    });
  }),
  bug('envelope-file-url', 'envelope.success', 'yes', 'The base64 route answers fileUrl in place of downloadUrl, as an old page shows.', inFacts((facts, file) => {
    if (file.route !== 'base64') return;
    facts.fileUrl = facts.downloadUrl;
    delete facts.downloadUrl;
  })),
  bug('envelope-size-text', 'envelope.success', 'yes', 'fileSize is text for forms.', inFacts((facts, file) => {
    if (file.route === 'stream') facts.fileSize = String(facts.fileSize);
  })),
  bug('envelope-size-text-large', 'envelope.success', 'hard', 'fileSize is text from 1 MiB on, as a driver gives large numbers.', inFacts((facts) => {
    if (facts.fileSize >= MIB) facts.fileSize = String(facts.fileSize);
  })),
  bug('envelope-name-number', 'envelope.success', 'hard', 'A fileName of digits only is answered as a number.', inFacts((facts) => {
    if (/^[1-9]\d{0,14}$/.test(facts.fileName)) facts.fileName = Number(facts.fileName);
  })),
  bug('envelope-length-in-characters', 'envelope.success', 'yes', 'The length of JSON is counted in characters, so it is cut short where it is not ASCII.', {
    serialise(next, object, x) {
      const body = next(object, x);
      return body.subarray(0, body.toString().length);
    },
  }),
  bug('envelope-latin1', 'envelope.success', 'yes', 'JSON is written in Latin-1 where all its characters fit.', {
    serialise(next, object, x) {
      const text = next(object, x).toString();
      return /^[\x00-\xff]*$/.test(text) ? Buffer.from(text, 'latin1') : Buffer.from(text);
    },
  }),
  bug('envelope-quotes-raw', 'envelope.success', 'yes', 'JSON is put together by hand: a quotation mark in a name is not escaped.', {
    serialise(next, object, x) { return Buffer.from(next(object, x).toString().replaceAll('\\"', '"')); },
  }),
  bug('envelope-backslash-raw', 'envelope.success', 'hard', 'JSON is put together by hand: a backslash in a name is not escaped.', {
    serialise(next, object, x) { return Buffer.from(next(object, x).toString().replaceAll('\\\\', '\\')); },
  }),
  bug('envelope-data-list', 'envelope.success', 'yes', 'data is a list of one on the stream route.', inAnswer(({ object }, file) => {
    if (file.route === 'stream') object.data = [object.data];
  })),
  bug('envelope-4096', 'envelope.success', 'hard', 'Answers to uploads of exactly 4096 bytes lack mimeType.', inFacts((facts) => {
    if (facts.fileSize === 4096) delete facts.mimeType;
  })),
];

const ERRORS = [
  bug('envelope-error-200', 'envelope.status-is-code', 'yes', 'The stream route sends its refusals of fields with status 200.', inRefusal((answer, x, status) => {
    if (status === 400 && x.route === 'stream') answer.status = 200;
  })),
  bug('envelope-code-differs', 'envelope.status-is-code', 'yes', 'Text that is no base64 is refused with status 400 and code 500.', inRefusal(({ object }, x, status, message) => {
    if (message.startsWith('Base64')) object.code = 500;
  })),
  bug('envelope-405-code-400', 'envelope.status-is-code', 'yes', 'Another method is refused with status 405 and code 400.', inRefusal(({ object }, x, status) => {
    if (status === 405) object.code = 400;
  })),
  bug('envelope-401-code-403', 'envelope.status-is-code', 'yes', 'A missing key is refused with status 401 and code 403 on the URL route.', inRefusal(({ object }, x, status) => {
    if (status === 401 && x.route === 'url') object.code = 403;
  })),
  bug('envelope-error-success', 'envelope.error', 'yes', 'A missing fileUrl is refused with success true.', inRefusal(({ object }, x, status, message) => {
    if (message.endsWith('fileUrl')) object.success = true;
  })),
  bug('envelope-error-no-success', 'envelope.error', 'yes', 'Refusals of keys lack success.', inRefusal(({ object }, x, status) => {
    if (status === 401) delete object.success;
  })),
  bug('envelope-error-message', 'envelope.error', 'yes', 'Malformed JSON is refused with message in place of msg.', inRefusal(({ object }, x, status, message) => {
    if (!message.startsWith('Malformed') || x.route === 'stream') return;
    object.message = object.msg;
    delete object.msg;
  })),
  bug('envelope-malformed-form-html', 'envelope.error', 'hard', 'A form that cannot be taken apart is refused with a page of HTML.', inRefusal((answer, x, status, message) => (
    message.startsWith('Malformed') && x.route === 'stream' ? page(400, '<h1>Bad Request</h1>') : answer
  ))),
  bug('envelope-401-plain', 'envelope.error', 'yes', 'A missing header is refused in plain text.', inRefusal((answer, x, status) => (
    status === 401 && x.headers.authorization === undefined ? page(401, 'Unauthorized', 'text/plain') : answer
  ))),
  bug('envelope-401-scheme-empty', 'envelope.error', 'yes', 'Another scheme is refused with an empty body.', inRefusal((answer, x, status) => (
    status === 401 && !/^bearer/i.test(x.headers.authorization ?? 'bearer') ? page(401, '') : answer
  ))),
  bug('envelope-422', 'envelope.error', 'yes', 'Missing fields are refused with 422.', {
    refused(next, x, status, message) { return next(x, isMissing(message) ? 422 : status, message); },
  }),
  bug('envelope-code-name', 'envelope.error', 'yes', 'code of a refused field is the text BAD_REQUEST.', inRefusal(({ object }, x, status) => {
    if (status === 400) object.code = 'BAD_REQUEST';
  })),
  bug('envelope-msg-object', 'envelope.error', 'yes', 'msg of a missing uploadPath is an object with details.', inRefusal(({ object }, x, status, message) => {
    if (message === 'Missing required parameter: uploadPath') object.msg = { text: message };
  })),
  bug('envelope-detail', 'envelope.error', 'yes', 'The base64 route refuses missing fields in the form of its framework, {"detail": [...]}.', inRefusal((answer, x, status, message) => {
    if (x.route === 'base64' && isMissing(message)) answer.object = { detail: [{ loc: ['body'], msg: message }] };
  })),
];

const onMethod = (test, answered) => ({
  isUploadMethod(next, x) { return next(x) || (answered === true && test(x)); },
  refused(next, x, status, message) {
    const answer = next(x, status, message);
    return status === 405 && x.route && answered !== true && test(x) ? answered(answer) : answer;
  },
});

const METHODS = [
  bug('method-put-taken', 'method.refused', 'yes', 'PUT is taken like POST on the stream route.',
    onMethod((x) => x.method === 'PUT' && x.route === 'stream', true)),
  bug('method-patch-taken', 'method.refused', 'yes', 'PATCH is taken like POST on the URL route.',
    onMethod((x) => x.method === 'PATCH' && x.route === 'url', true)),
  bug('method-override', 'method.refused', 'hard', 'X-HTTP-Method-Override: POST makes a PUT a POST.',
    onMethod((x) => x.headers['x-http-method-override'] === 'POST', true)),
  bug('method-get-200', 'method.refused', 'yes', 'GET of a route answers 200 with an empty success.', onMethod((x) => x.method === 'GET', () => (
    { status: 200, headers: { 'content-type': 'application/json' }, object: { success: true, code: 200, msg: 'ok', data: null } }
  ))),
  bug('method-head-200', 'method.refused', 'hard', 'HEAD of a route answers 200.',
    onMethod((x) => x.method === 'HEAD', () => page(200, ''))),
  bug('method-get-html', 'method.refused', 'yes', 'GET of the base64 route is refused with a page of HTML.',
    onMethod((x) => x.method === 'GET' && x.route === 'base64', () => page(405, '<h1>Cannot GET</h1>'))),
  bug('method-delete-empty', 'method.refused', 'yes', 'DELETE of a route is refused with an empty body.',
    onMethod((x) => x.method === 'DELETE', () => page(405, '', 'application/json'))),
  bug('method-get-404', 'method.refused', 'yes', 'GET of a route answers 404 in the envelope, as if it were unknown.', onMethod((x) => x.method === 'GET', (answer) => {
    answer.object.code = 404;
    return { ...answer, status: 404 };
  })),
  bug('method-put-stores', 'input.changes-nothing', 'hard', 'PUT is refused with 405 after the form was stored.', {
    async takeUpload(next, x) {
      await this.receive(x);
      if (x.method === 'PUT' && x.route === 'stream' && this.authorize(x)) await next({ ...x, method: 'POST' }).catch(() => {});
      return next(x);
    },
  }),
  bug('method-unknown-501', 'method.refused', 'hard', 'A method beyond the usual ones, such as PROPFIND, is refused with 501 and no envelope.',
    onMethod((x) => !/^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)$/.test(x.method), () => page(501, 'Not Implemented'))),
];

const MEDIA = [
  bug('media-refused-empties', 'input.changes-nothing', 'hard', 'A form sent as application/octet-stream is refused, and the file of its name is gone.', {
    readForm(next, x) {
      try {
        return next(x);
      } catch (error) {
        const boundary = /^--([^\r\n]+)\r\n/.exec(x.body.subarray(0, 200).toString('latin1'))?.[1];
        const parts = boundary && this.partsOf(x.body, boundary, x);
        if (parts && error.message === this.texts.media) {
          const { uploadPath: folder, fileName } = this.fieldsOf(parts, x);
          const file = { account: x.account, folder, fileName };
          file.filePath = this.filePath(file);
          this.files.delete(this.keyOf(this.linkOf(file)));
        }
        throw error;
      }
    },
  }),
  bug('media-json-charset', 'input.json-type', 'yes', 'JSON with a charset in its content type is refused.', {
    isJson(next, x) { return x.headers['content-type'] === 'application/json'; },
  }),
  bug('media-json-charset-upper', 'input.json-type', 'hard', 'JSON is refused where the charset is written UTF-8 in capitals.', {
    isJson(next, x) { return next(x) && !/charset="?UTF-8/.test(x.headers['content-type']); },
  }),
  bug('media-json-charset-url', 'input.json-type', 'yes', 'The URL route refuses JSON with a charset; the base64 route takes it.', {
    isJson(next, x) { return next(x) && !(x.route === 'url' && /charset/i.test(x.headers['content-type'])); },
  }),
  bug('media-json-charset-latin', 'naming.given', 'hard', 'JSON with a charset is decoded as Latin-1, so a name beyond ASCII is garbled.', {
    readJson(next, x) {
      const wrong = /charset/i.test(x.headers['content-type'] ?? '');
      return next(wrong ? { ...x, body: Buffer.from(x.body.toString('latin1')) } : x);
    },
  }),
];

export const ENVELOPE = [...SUCCESS, ...ERRORS, ...METHODS, ...MEDIA];
