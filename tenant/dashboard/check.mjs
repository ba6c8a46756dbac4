// Checks client, types and lint rules in one process: tsc and eslint each read and resolve the same
// types, which is most of what either does, so here eslint is given the program that was checked.
// package.json runs it with a larger --interrupt-budget: V8 then compiles only what stays hot, and
// compiling for a run of seconds costs a third of it.
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";

import { ESLint } from "eslint";
import openapiTS, { astToString, COMMENT_HEADER } from "openapi-typescript";
import ts from "typescript";

const HERE = import.meta.dirname;

/** Whether src/api/schema.ts is what the agent's API description gives. */
async function clientIsFresh() {
  const described = pathToFileURL(resolve(HERE, "../openapi.json"));
  const fresh = COMMENT_HEADER + astToString(await openapiTS(described));
  return fresh === (await readFile(resolve(HERE, "src/api/schema.ts"), "utf8"));
}

/** What `tsc --noEmit` compiles, in full: it is read anyway, so nothing is kept for the next run. */
function readProgram() {
  const { fileNames, options, errors } = ts.getParsedCommandLineOfConfigFile(
    resolve(HERE, "tsconfig.json"),
    { incremental: false, tsBuildInfoFile: undefined },
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: refuse },
  );
  return ts.createProgram({ rootNames: fileNames, options, configFileParsingDiagnostics: errors });
}

function described(diagnostics) {
  return ts.formatDiagnosticsWithColorAndContext(diagnostics, {
    getCanonicalFileName: (name) => name,
    getCurrentDirectory: () => HERE,
    getNewLine: () => "\n",
  });
}

function refuse(diagnostic) {
  throw new Error(described([diagnostic]));
}

/** What eslint finds by eslint.config.js, warnings included; empty when there is nothing. */
async function lint(program) {
  const eslint = new ESLint({
    cwd: HERE,
    overrideConfig: {
      files: ["**/*.{ts,tsx}"],
      languageOptions: { parserOptions: { projectService: false, programs: [program] } },
    },
  });
  const results = await eslint.lintFiles(["."]);
  return (await eslint.loadFormatter()).format(results);
}

function found(text) {
  if (text === "") return;
  process.stderr.write(`${text}\n`);
  process.exitCode = 1;
}

if (!(await clientIsFresh())) {
  found("src/api/schema.ts differs from ../openapi.json. Run: npm run generate");
}
const program = readProgram();
found(described(ts.getPreEmitDiagnostics(program)));
found(await lint(program));
