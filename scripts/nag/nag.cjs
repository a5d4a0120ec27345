// Checks CloudFormation templates without conditions against cdk-nag's AwsSolutions rules:
//
//   node nag.cjs FOLDER     prints JSON: [{"template", "rule", "resource"}], for every *.template.json in the folder
//
// Exit status 1: a template cannot be read, or the rules did not run.
const fs = require("fs");
const os = require("os");
const path = require("path");
const { App, Stack, Validations } = require("aws-cdk-lib");
const { CfnInclude } = require("aws-cdk-lib/cloudformation-include");
const { AwsSolutionsChecks } = require("cdk-nag");

// CDK's own messages are ignored, since cfn-lint covers them; findings come only from the report.
console.error = console.warn = console.log = () => {};
const findings = [];
const folder = process.argv[2];
const names = fs.readdirSync(folder).filter((name) => name.endsWith(".template.json")).sort();
if (names.length === 0) throw new Error(`no *.template.json in ${folder}`);
for (const name of names) {
  const outdir = fs.mkdtempSync(path.join(os.tmpdir(), "nag-"));
  const app = new App({ outdir, context: { "@aws-cdk/core:failSynthOnValidationErrors": false } });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  new CfnInclude(new Stack(app, "stack"), "template", { templateFile: path.join(folder, name) });
  try {
    app.synth();
  } catch (error) {
    if (!String(error).includes("Validation failed")) throw error;
  }
  const report = JSON.parse(fs.readFileSync(path.join(outdir, "validation-report.json")));
  const rules = report.pluginReports.find((plugin) => plugin.pluginName === "AwsSolutions");
  if (!rules) throw new Error(`${name}: cdk-nag did not report`);
  for (const violation of rules.violations) {
    for (const construct of violation.violatingConstructs) {
      findings.push({ template: name, rule: violation.ruleName, resource: construct.constructPath.split("/").pop() });
    }
  }
  fs.rmSync(outdir, { recursive: true });
}
process.stdout.write(JSON.stringify(findings));
