// Reads a flag file as flagd-core does. Prints each flag's value; exits 1 if the file does not
// pass flagd's own JSON schema, which flagd-core holds every file against and only logs.
const { readFileSync } = require("node:fs");
const { FlagdCore } = require("@openfeature/flagd-core");

const complaints = [];
const hear = (message) => {
  if (String(message).includes("schemaPath")) complaints.push(message);
};
const logger = { error: hear, warn: hear, info: hear, debug: hear };

const core = new FlagdCore(undefined, logger);
core.setConfigurations(readFileSync(process.argv[2], "utf8"));
if (complaints.length) {
  console.error(complaints.join("\n"));
  process.exit(1);
}
for (const key of core.getFlags().keys()) {
  console.log(`${key}=${core.resolveStringEvaluation(key, "the-callers-default", {}, logger).value}`);
}
