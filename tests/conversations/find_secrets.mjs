// Reads a JSON list of texts, answers for each what secrets.js finds in it and makes of it. `fetch` reads the files beside it.
import { readFile } from "node:fs/promises";

globalThis.fetch = async (url) => ({ ok: true, text: () => readFile(url, "utf8") });
const { findSecrets, maskSecrets } = await import(process.argv[2]);

let input = "";
for await (const part of process.stdin) input += part;
const answers = [];
for (const text of JSON.parse(input)) {
  const found = (await findSecrets(text)).map(({ kind, start, end }) => [kind, text.slice(start, end)]);
  const { text: masked, kinds } = await maskSecrets(text);
  answers.push({ found, masked, kinds });
}
process.stdout.write(JSON.stringify(answers));
