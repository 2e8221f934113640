// Before packing: the declarations of src, beside those that are written by hand or generated.
import { execFileSync } from "node:child_process";
import { copyFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("..", import.meta.url));
const types = `${folder}/types`;
rmSync(types, { recursive: true, force: true });
const options = ["--project", folder, "--noEmit", "false", "--declaration", "--emitDeclarationOnly", "--outDir", types];
execFileSync(process.execPath, [`${folder}/node_modules/typescript/bin/tsc`, ...options], { stdio: "inherit" });
for (const name of ["api.d.ts", "openapi.d.ts"]) copyFileSync(`${folder}/src/${name}`, `${types}/${name}`);
