// Fails when src/api/schema.ts is not what the agent's API description gives.
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";

import openapiTS, { astToString, COMMENT_HEADER } from "openapi-typescript";

const described = pathToFileURL(resolve(import.meta.dirname, "../openapi.json"));
const committed = resolve(import.meta.dirname, "src/api/schema.ts");

const fresh = COMMENT_HEADER + astToString(await openapiTS(described));
if (fresh !== (await readFile(committed, "utf8"))) {
  process.stderr.write("src/api/schema.ts differs from ../openapi.json. Run: npm run generate\n");
  process.exit(1);
}
