// Sends what Node asks of the web through the proxy of `mockkie run`: fetch, http and https.
//
// Loaded by NODE_OPTIONS, since Node before 22.21 and 24.5 knows no proxy of the environment, and
// later ones forget it for agents that a program makes itself. Only the places are used that Node
// has for it: how an agent makes its connections, and the dispatcher of fetch.
"use strict";

const http = require("node:http");
const https = require("node:https");
const net = require("node:net");
const tls = require("node:tls");

const LOOPBACK = /^(?:localhost|.*\.localhost|127(?:\.\d+){3}|\[?::1\]?)$/i;

function install(proxy) {
  const plain = http.Agent.prototype.createConnection;
  const secure = https.Agent.prototype.createConnection;

  // Agents ask for a connection by host and port; undefined means: it comes by the callback.
  http.Agent.prototype.createConnection = function (options, done) {
    if (isDirect(options)) return plain.call(this, options, done);
    tunnel(proxy, options.host, options.port || 80, done);
    return undefined;
  };
  https.Agent.prototype.createConnection = function (options, done) {
    if (isDirect(options)) return secure.call(this, options, done);
    tunnel(proxy, options.host, options.port || 443, (error, socket) => {
      if (error) return done(error);
      done(null, secured(options, socket));
    });
    return undefined;
  };
  useForFetch(proxy);
}

function isDirect(options) {
  return Boolean(options.socketPath) || LOOPBACK.test(options.host || "localhost");
}

function secured(options, socket) {
  return tls.connect({ ...options, host: undefined, port: undefined, path: undefined, socket });
}

function tunnel(proxy, host, port, done) {
  const bare = host.replace(/^\[|\]$/g, "");
  const authority = `${bare.includes(":") ? `[${bare}]` : bare}:${port}`;
  const request = http.request({
    host: proxy.hostname,
    port: proxy.port,
    method: "CONNECT",
    path: authority,
    headers: { host: authority },
    agent: false,
  });
  request.once("error", done);
  request.once("connect", (answer, socket) => {
    if (answer.statusCode === 200) return done(null, socket);
    socket.destroy();
    return done(new Error(`${authority}: ${answer.statusCode} ${answer.statusMessage}`));
  });
  request.end();
}

function useForFetch(proxy) {
  void globalThis.Headers; // fetch is loaded when it is first touched, and its dispatcher with it
  const key = Symbol.for("undici.globalDispatcher.1");
  const Agent = globalThis[key] && globalThis[key].constructor;
  if (!Agent) return;
  globalThis[key] = new Agent({ connect: (options, done) => connect(proxy, options, done) });
}

function connect(proxy, options, done) {
  const isSecure = options.protocol === "https:";
  const host = options.hostname;
  const port = Number(options.port) || (isSecure ? 443 : 80);
  const servername = options.servername || (net.isIP(host) ? "" : host);
  const finish = (socket, event) => {
    socket.once(event, () => done(null, socket.off("error", done)));
    socket.once("error", done);
  };
  if (isDirect({ host })) {
    const bare = host.replace(/^\[|\]$/g, "");
    if (isSecure) return finish(tls.connect({ host: bare, port, servername }), "secureConnect");
    return finish(net.connect({ host: bare, port }), "connect");
  }
  return tunnel(proxy, host, port, (error, socket) => {
    if (error) return done(error);
    if (!isSecure) return done(null, socket);
    return finish(secured({ servername, ALPNProtocols: ["http/1.1"] }, socket), "secureConnect");
  });
}

if (process.env.MOCKKIE_PROXY) install(new URL(process.env.MOCKKIE_PROXY));
