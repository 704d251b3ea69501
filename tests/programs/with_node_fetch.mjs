// As `with_curl.sh`, with Node's own fetch.
import { readFileSync } from "node:fs";

const form = new FormData();
form.append("file", new Blob([readFileSync(process.argv[2])]), "a.txt");
form.append("uploadPath", "docs");
form.append("fileName", "a.txt");
const answer = await fetch("https://kieai.redpandaai.co/api/file-stream-upload", {
  method: "POST",
  headers: { Authorization: `Bearer ${process.env.KIE_API_KEY}` },
  body: form,
});
const link = (await answer.json()).data.downloadUrl;
console.error(link);
process.stdout.write(Buffer.from(await (await fetch(link)).arrayBuffer()));
try {
  console.error(await fetch(`https://${process.argv[3]}/`));
} catch (error) {
  console.error("no answer", error.cause.message);
}
