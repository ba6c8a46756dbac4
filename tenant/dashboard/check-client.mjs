// Fails when src/api/schema.ts is not what the agent's API description gives.
import { readFile } from "node:fs/promises";

import openapiTS, { astToString, COMMENT_HEADER } from "openapi-typescript";

const described = new URL("../openapi.json", import.meta.url);
const committed = new URL("src/api/schema.ts", import.meta.url);

const fresh = COMMENT_HEADER + astToString(await openapiTS(described));
if (fresh !== (await readFile(committed, "utf8"))) {
  console.error("src/api/schema.ts differs from ../openapi.json. Run: npm run generate");
  process.exit(1);
}
