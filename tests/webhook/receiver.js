// A receiver of webhooks that verifies with the package that the specification gives its
// users:
//
//     node receiver.js SECRET...
//
// Its port is its first line; then a line of JSON for each request: path, headers, body,
// and for each secret whether the request is verified by it alone. What it answers is the
// last part of the path: words with a comma between, the first one for the first request
// to that path, the last one for all that follow.
"use strict";
const http = require("node:http");
const { Webhook } = require("standardwebhooks");

const verifiers = process.argv.slice(2).map((secret) => new Webhook(secret));
const counts = new Map();

function verify(verifier, body, headers) {
  try {
    verifier.verify(body, headers);
    return true;
  } catch (error) {
    return false;
  }
}

const held = [];

const behaviours = {
  hold: (response) => held.push(response), // no answer, and the connection stays open
  release: (response) => held.splice(0).concat(response).forEach((one) => one.end()),
  reset: (response) => response.socket.destroy(),
  redirect: (response) => response.writeHead(302, { Location: "/elsewhere/200" }).end(),
  later: (response) => response.writeHead(503, { "Retry-After": "3600" }).end(),
  // more of it than anyone will read
  endless: (response) => {
    response.writeHead(200);
    const more = () => {
      while (!response.destroyed && response.write("x".repeat(65536)));
    };
    response.on("drain", more);
    more();
  },
  // a header, of which the end never comes
  headers: (response) => {
    const socket = response.socket;
    socket.write("HTTP/1.1 200 OK\r\n");
    const more = () => {
      while (!socket.destroyed && socket.write(`x-filler: ${"x".repeat(8000)}\r\n`));
    };
    socket.on("drain", more);
    socket.on("error", () => {});
    more();
  },
};

function answer(path, response) {
  const words = path.split("/").pop().split(",");
  const count = counts.get(path) || 0;
  counts.set(path, count + 1);
  const word = words[Math.min(count, words.length - 1)];
  if (behaviours[word]) behaviours[word](response);
  else response.writeHead(Number(word)).end();
}

const server = http.createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const body = Buffer.concat(parts).toString();
    const { method, url: path, headers } = request;
    const verified = verifiers.map((one) => verify(one, body, headers));
    console.log(JSON.stringify({ method, path, headers, body, verified }));
    answer(path, response);
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.resume().on("end", () => process.exit(0)); // when the test has ended
