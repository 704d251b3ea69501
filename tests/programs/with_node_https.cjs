// As `with_curl.sh`, with Node's https module and an agent of one's own.
const https = require("node:https");
const { readFileSync } = require("node:fs");

const agent = new https.Agent({ keepAlive: true });

function ask(url, options, body) {
  return new Promise((resolve, reject) => {
    const request = https.request(url, { agent, ...options }, (answer) => {
      const pieces = [];
      answer.on("data", (piece) => pieces.push(piece));
      answer.on("end", () => resolve(Buffer.concat(pieces)));
    });
    request.on("error", reject);
    request.end(body);
  });
}

async function main() {
  const text = await ask(
    "https://kieai.redpandaai.co/api/file-base64-upload",
    {
      method: "POST",
      headers: {
        Authorization: `Bearer ${process.env.KIE_API_KEY}`,
        "Content-Type": "application/json",
      },
    },
    JSON.stringify({
      base64Data: readFileSync(process.argv[2]).toString("base64"),
      uploadPath: "docs",
      fileName: "a.txt",
    }),
  );
  const link = JSON.parse(text).data.downloadUrl;
  console.error(link);
  process.stdout.write(await ask(link, {}));
  await ask(`https://${process.argv[3]}/`, {}).then(
    (answer) => console.error(String(answer)),
    (error) => console.error("no answer", error.message),
  );
  agent.destroy();
}

main();
