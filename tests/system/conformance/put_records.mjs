// Sends a batch with the AWS SDK for JavaScript: node put_records.mjs STREAM LINE..., each line in a record of its own.
// Prints the answer's parts as JSON, or the error's name.
import { createRequire } from "node:module";

const require = createRequire(process.env.SDK_FOLDER + "/");
const { FirehoseClient, PutRecordBatchCommand } = require("@aws-sdk/client-firehose");

const [stream, ...lines] = process.argv.slice(2);
const client = new FirehoseClient({});
const Records = lines.map((line) => ({ Data: new TextEncoder().encode(line + "\n") }));
try {
  const answer = await client.send(new PutRecordBatchCommand({ DeliveryStreamName: stream, Records }));
  console.log(JSON.stringify({ failed: answer.FailedPutCount, entries: answer.RequestResponses.length }));
} catch (error) {
  console.log(JSON.stringify({ error: error.name }));
}
