// Includes Streamtally's stack in a CDK application, beside a stream of your own that it transforms.
//
//   sam build && sam package --resolve-s3 --output-template-file packaged.yaml    in Streamtally's clone
//   STREAMTALLY_TEMPLATE=…/packaged.yaml npx cdk deploy                           here
//
// CDK uploads nothing of an included template, so it must be the packaged one: its code lies in S3 already.
const cdk = require("aws-cdk-lib");
const { CfnInclude } = require("aws-cdk-lib/cloudformation-include");

class LogStack extends cdk.Stack {
  constructor(scope, id, props) {
    super(scope, id, props);
    const streamtally = new CfnInclude(this, "Streamtally", {
      templateFile: props.templateFile,
      // The parameters of docs/deploy.md; the others keep their defaults.
      parameters: { IngestionStreamName: "my-logs", SummaryStreamName: "my-log-counts" },
    });
    // Everything in the template is reached by its name there, for grants, alarms and tags of your own.
    const transform = streamtally.getResource("TransformFunction");
    new cdk.CfnOutput(this, "TransformFunctionName", { value: transform.ref });
  }
}

const app = new cdk.App({ outdir: process.env.CDK_OUTDIR });
const templateFile = process.env.STREAMTALLY_TEMPLATE;
if (!templateFile) {
  console.error("set STREAMTALLY_TEMPLATE to the file that sam package wrote");
  process.exit(2);
}
new LogStack(app, "Logs", { templateFile });
app.synth();
