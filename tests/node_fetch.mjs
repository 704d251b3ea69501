// Fetches what a URL leads to; it knows nothing of uploads.

import http from 'node:http';
import https from 'node:https';

const REDIRECTS = 5;
const TIMEOUT = 30_000; // milliseconds, as documented

/** Where a URL leads: its bytes, declared type and last address. Rejects whatever went wrong. */
export async function fetchUrl(address, options = {}) {
  let url = new URL(address);
  for (let hops = 0; hops <= (options.redirects ?? REDIRECTS); hops += 1) {
    const answer = await request(url, options);
    const { location } = answer.headers;
    if (answer.status >= 300 && answer.status < 400 && location) url = new URL(location, url);
    else if (answer.status === 200 || options.anyStatus) return { ...answer, url };
    else throw new Error(`status ${answer.status}`);
    if (!/^https?:$/.test(url.protocol)) throw new Error('redirected to another scheme');
  }
  throw new Error('too many redirects');
}

function request(url, { headers = {} }) {
  const client = url.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(TIMEOUT);
    const call = client.get(url, { agent: false, headers: { 'user-agent': 'node', ...headers }, signal });
    call.on('error', reject);
    call.on('response', (response) => {
      const pieces = [];
      response.on('data', (piece) => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode,
          headers: response.headers,
          bytes: Buffer.concat(pieces),
          type: response.headers['content-type'],
        }),
      );
    });
  });
}
