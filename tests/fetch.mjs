// Answers requests on standard input, a line of JSON each, by Node's own fetch.
import { createInterface } from "node:readline";

const decode = (text) => Buffer.from(text, "base64");

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const { method, url, headers, body, texts, file } = JSON.parse(line);
  let content = body === undefined ? undefined : decode(body);
  if (texts !== undefined) {
    content = new FormData();
    for (const [name, text] of texts) content.append(name, text);
    if (file !== undefined) {
      content.append("file", new Blob([decode(file.content)], { type: file.mime }), file.filename);
    }
  }
  let answer;
  try {
    const got = await fetch(url, { method, headers, body: content });
    const bytes = Buffer.from(await got.arrayBuffer());
    answer = { status: got.status, headers: [...got.headers], body: bytes.toString("base64") };
  } catch (error) {
    answer = { error: `${error}: ${error.cause}` };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
