// Puts a service on sockets: exchanges in, answers out; it knows nothing of files.

import http from 'node:http';

const EMPTY = new Set([204, 304]);

/** What a request is to the service: method, path, headers, and its body once it is read. */
function exchangeOf(request, response, side) {
  const target = request.url.replace(/^https?:\/\/[^/?]*/i, '') || '/';
  const [path] = target.split('?', 1);
  return {
    request,
    response,
    side,
    method: request.method,
    path,
    query: new URLSearchParams(target.slice(path.length + 1)),
    headers: request.headers,
    socket: request.socket,
    pieces: [], // lengths of the pieces that the body came in
    all: (name) => request.rawHeaders.filter((value, at) => at % 2 && request.rawHeaders[at - 1].toLowerCase() === name),
    read() {
      return new Promise((resolve, reject) => {
        const pieces = [];
        this.partial = pieces;
        request.on('data', (piece) => {
          pieces.push(piece);
          this.pieces.push(piece.length);
        });
        request.on('end', () => resolve(Buffer.concat(pieces)));
        request.on('error', reject);
      });
    },
  };
}

/** Send an answer; its framing is 'length', 'chunked' or 'close' (as HTTP/1.0 did). */
function send(x, { status, headers, body = Buffer.alloc(0), framing = 'length', pause = 0 }) {
  const { response } = x;
  const bodiless = x.method === 'HEAD' || EMPTY.has(status);
  response.sendDate = false;
  if (framing === 'close') {
    const lines = Object.entries({ ...headers, Connection: 'close' }).map(([name, value]) => `${name}: ${value}\r\n`);
    x.socket.write(`HTTP/1.0 ${status} ${http.STATUS_CODES[status]}\r\n${lines.join('')}\r\n`, 'latin1');
    x.socket.end(bodiless ? '' : body);
    return;
  }
  if (framing === 'length' && !EMPTY.has(status)) headers['content-length'] ??= body.length;
  response.writeHead(status, headers);
  if (bodiless) response.end();
  else if (framing === 'chunked' || pause) sendPieces(response, body, pause);
  else response.end(body);
}

async function sendPieces(response, body, pause) {
  const size = Math.max(Math.ceil(body.length / 3), 1);
  for (let at = 0; at < body.length && !response.destroyed; at += size) {
    if (at > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    response.write(body.subarray(at, at + size));
  }
  response.end();
}

function listen(service, side, port) {
  const { maxRequestsPerSocket = 0, keepAliveTimeout = 30_000 } = service.server;
  const server = http.createServer({ maxHeaderSize: 131_072, keepAliveTimeout }, async (request, response) => {
    const x = exchangeOf(request, response, side);
    service.inFlight.add(x);
    try {
      const answer = await service.answer(x);
      if (answer !== null && !x.socket.destroyed) send(x, answer);
    } catch (error) {
      if (!x.socket.destroyed) console.error(error);
      x.socket.destroy();
    } finally {
      service.inFlight.delete(x);
    }
  });
  server.maxRequestsPerSocket = maxRequestsPerSocket;
  return new Promise((resolve) => {
    server.listen(port, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`));
  });
}

/** Listen on a port (0 for any); the origins of uploads and downloads. */
export async function serve(service, port) {
  service.inFlight = new Set();
  if (service.server.ownDownloadPort) {
    service.origins.downloads = await listen(service, 'downloads', 0);
    service.origins.uploads = await listen(service, 'uploads', port);
  } else {
    service.origins.uploads = await listen(service, 'both', port);
    service.origins.downloads = service.origins.uploads;
  }
  return service.origins;
}
