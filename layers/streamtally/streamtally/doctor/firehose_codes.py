"""Firehose's error codes: what each means, and what to do.

Source: Firehose developer guide, "Monitor Amazon Data Firehose using CloudWatch Logs" (data delivery errors, Lambda
invocation errors), "Handle data delivery failures", "Troubleshoot errors", the pages on format conversion, dynamic
partitioning, decompression and Apache Iceberg; AWS Lambda API reference, "Invoke". A code that is not here is known by
what stands before its dot.
"""

from __future__ import annotations

from collections.abc import Iterator

# ruff: noqa: E501 (a table is read by its rows)

Meaning = tuple[str, str, str]
"""Check, text, fix."""

_S3_ROLE = (
    "let the stream's role write to the bucket (s3:PutObject, AbortMultipartUpload, ListBucket), and check its policy"
)
_KEY_ROLE = "let the stream's role use the key: kms:Decrypt and kms:GenerateDataKey, in its policy and the key's"
_KEY_STATE = "enable the key (it is disabled, or waits for its deletion), or give the stream another one"
_TRUST = "let firehose.amazonaws.com assume the role (its trust policy)"
_HEC = "check the HTTP Event Collector's settings in Splunk"
_OWNER = "ask the owner of the endpoint; the records are in the error prefix"
_GLUE = "fix the table's columns, or what the transform gives; the names must be equal, and the types fit"
_SUPPORT = "it is retried; if it stays, ask AWS Support"
_NETWORK = "give the subnet more addresses (a larger one, or remove unused network interfaces)"

CODES: dict[str, Meaning] = {
    # S3
    "S3.AccessDenied": ("delivery-s3", "the stream's role may not write to its bucket", _S3_ROLE),
    "S3.AccountProblem": ("delivery-s3", "the account has a problem that keeps S3 from working", "ask AWS Support"),
    "S3.AllAccessDisabled": ("delivery-s3", "all access to the bucket's account is disabled", "ask AWS Support"),
    "S3.InvalidPayer": ("delivery-s3", "all access to the bucket's account is disabled", "ask AWS Support"),
    "S3.NotSignedUp": ("delivery-s3", "the account is not signed up for S3", "sign it up, or use another account"),
    "S3.NoSuchBucket": ("delivery-s3", "the bucket does not exist", "make the bucket again, or give the stream another"),
    "S3.MethodNotAllowed": ("delivery-s3", "the bucket's policy does not allow the operation", _S3_ROLE),
    "S3.SlowDown": ("delivery-s3", "S3 asks for fewer requests", "use a larger buffer of the stream"),
    "S3.KMS.NotFoundException": ("kms", "the bucket's key does not exist", "give the bucket a key that exists"),
    "S3.KMS.RequestLimitExceeded": ("kms", "the key has more requests than its quota", "ask for a higher quota, or use a bucket key"),
    # Lambda
    "Lambda.AssumeRoleAccessDenied": ("transform-permission", "Firehose may not assume the role that calls the transform", _TRUST),
    "Lambda.InvokeAccessDenied": ("transform-permission", "the stream's role may not call the transform", "add lambda:InvokeFunction on the function and its versions (streamtally attach checks it)"),
    "Lambda.JsonProcessingException": ("transform-failed", "the transform's answer is not what Firehose reads", "check that the function is Streamtally's; run sam deploy again"),
    "Lambda.JsonMappingException": ("transform-failed", "the transform's answer is not what Firehose reads", "check that the function is Streamtally's; run sam deploy again"),
    "Lambda.InvokeLimitExceeded": ("transform-throttled", "the transform is throttled: its concurrency is used up", "raise its reserved concurrency, or the account's quota"),
    "Lambda.TooManyRequestsException": ("transform-throttled", "the transform is throttled: its concurrency is used up", "raise its reserved concurrency, or the account's quota"),
    "Lambda.ThrottledException": ("transform-throttled", "the transform is throttled: its concurrency is used up", "raise its reserved concurrency, or the account's quota"),
    "Lambda.DuplicatedRecordId": ("transform-failed", "the transform's answer has a record twice", "check that the function is Streamtally's; run sam deploy again"),
    "Lambda.MissingRecordId": ("transform-failed", "the transform's answer lacks records", "check that the function is Streamtally's; run sam deploy again"),
    "Lambda.ResourceNotFound": ("transform-missing", "the transform does not exist", "attach a function that exists (streamtally attach)"),
    "Lambda.InvalidSubnetIDException": ("vpc", "the transform's subnet does not exist", "fix its VPC configuration"),
    "Lambda.InvalidSecurityGroupIDException": ("vpc", "the transform's security group does not exist", "fix its VPC configuration"),
    "Lambda.SubnetIPAddressLimitReachedException": ("vpc", "the transform's subnet has no free address", _NETWORK),
    "Lambda.ENILimitReachedException": ("vpc", "the account has as many network interfaces as it may have", "ask for a higher quota of network interfaces, or remove unused ones"),
    "Lambda.EC2AccessDeniedException": ("vpc", "the transform's role may not make network interfaces", "add AWSLambdaVPCAccessExecutionRole to the function's role"),
    "Lambda.EC2ThrottledException": ("vpc", "EC2 throttles the making of network interfaces", _SUPPORT),
    "Lambda.EC2UnexpectedException": ("vpc", "EC2 failed while the transform was set up", _SUPPORT),
    "Lambda.KMSAccessDeniedException": ("kms", "the transform may not decrypt its environment", "let the function's role use its key (kms:Decrypt)"),
    "Lambda.KMSDisabledException": ("kms", "the key of the transform's environment is disabled", _KEY_STATE),
    "Lambda.KMSInvalidStateException": ("kms", "the key of the transform's environment cannot be used now", _KEY_STATE),
    "Lambda.KMSNotFoundException": ("kms", "the key of the transform's environment does not exist", "give the function another key"),
    "Lambda.RequestTooLargeException": ("transform-failed", "a batch is larger than Lambda takes (6 MB)", "set a smaller buffer of the processor (BufferSizeInMBs, 1 for busy streams)"),
    "Lambda.ResponseTooLarge": ("transform-failed", "the transform's answer is larger than Lambda allows (6 MB)", "set a smaller buffer of the processor (BufferSizeInMBs)"),
    "Lambda.InvalidZipFileException": ("transform-failed", "the transform's code cannot be unpacked", "run sam build and sam deploy"),
    "Lambda.InvalidRuntimeException": ("transform-failed", "the transform's runtime is not supported", "run sam build and sam deploy"),
    "Lambda.FunctionTimedOut": ("transform-timeout", "the function exceeds its time limit", "give it more memory or time (at most 300 s), or a buffer of 1 MB"),
    "Lambda.FunctionRequestTimedOut": ("transform-timeout", "the function exceeds its time limit", "give it more memory or time (at most 300 s), or a buffer of 1 MB"),
    # Kinesis data streams and Amazon MSK as the source
    "Kinesis.AccessDenied": ("source", "the stream's role may not read its source", "add kinesis:DescribeStream, GetShardIterator, GetRecords and ListShards"),
    "Kinesis.ResourceNotFound": ("source", "the source stream does not exist", "make it again, or a stream with another source"),
    "Kinesis.SubscriptionRequired": ("source", "the account may not use Kinesis", "sign it up, or use another account"),
    "Kinesis.Throttling": ("source", "the source stream throttles reads", "add shards, or remove other readers"),
    "Kinesis.KMS.AccessDeniedException": ("kms", "the stream's role may not use the source's key", _KEY_ROLE),
    "Kinesis.KMS.DisabledException": ("kms", "the source's key is disabled", _KEY_STATE),
    "Kinesis.KMS.InvalidStateException": ("kms", "the source's key cannot be used now", _KEY_STATE),
    "Kinesis.KMS.NotFoundException": ("kms", "the source's key does not exist", "give the source stream another key"),
    "Kinesis.KMS.KMSOptInRequired": ("kms", "the account may not use KMS", "sign it up, or use another account"),
    "Kinesis.KMS.ThrottlingException": ("kms", "KMS throttles the source's key", "ask for a higher quota"),
    # OpenSearch, Elasticsearch, OpenSearch Serverless: beside the answers that they give themselves
    "OS.AccessDenied": ("opensearch-permission", "the stream's role may not call the domain", "add es:ESHttp* and es:DescribeDomain to the role"),
    "OS.ResourceNotFound": ("opensearch-unreachable", "the domain does not exist", "give the stream a domain that exists"),
    "OS.EndpointNotFound": ("opensearch-unreachable", "the domain has no endpoint", "wait until the domain is made, or fix its name"),
    # Splunk
    "Splunk.ProxyWithoutStickySessions": ("delivery-splunk", "the proxy before Splunk changes nodes between requests", "turn on sticky sessions"),
    "Splunk.DisabledToken": ("delivery-splunk", "the token is disabled", "enable the token in Splunk"),
    "Splunk.InvalidToken": ("delivery-splunk", "the token is not valid", "give the stream a valid token"),
    "Splunk.InvalidDataFormat": ("delivery-splunk", "the data do not fit the endpoint's type", "set HECEndpointType to Raw, or send events"),
    "Splunk.InvalidIndex": ("delivery-splunk", "the token's index does not exist", "let the token write to an index that exists"),
    "Splunk.ServerError": ("delivery-splunk", "Splunk fails on requests", _HEC),
    "Splunk.ServerError.ContentTooLarge": ("delivery-splunk", "a request is larger than Splunk accepts", "set a smaller buffer, or raise max_content_length"),
    "Splunk.DisabledAck": ("delivery-splunk", "acknowledgement is off for the token", "turn on indexer acknowledgement for it"),
    "Splunk.AckTimeout": ("delivery-splunk", "Splunk does not acknowledge in time", "raise HECAcknowledgmentTimeoutInSeconds"),
    "Splunk.MaxRetriesFailed": ("delivery-splunk", "Splunk does not take the data, however often they are sent", _HEC),
    "Splunk.ConnectionTimeout": ("delivery-splunk", "Splunk does not answer", "check address, port and firewall"),
    "Splunk.InvalidEndpoint": ("delivery-splunk", "the endpoint cannot be reached", "check address, port and firewall"),
    "Splunk.ConnectionClosed": ("delivery-splunk", "the connection to Splunk breaks", "raise the stream's retry duration"),
    "Splunk.SSLUnverified": ("delivery-splunk", "the certificate is for another host", "use a certificate for this host"),
    "Splunk.SSLHandshake": ("delivery-splunk", "the certificate is not accepted", "use one of a public authority, with its chain"),
    "Splunk.URLNotFound": ("delivery-splunk", "the collector's address does not exist", "fix HECEndpoint"),
    "Splunk.IndexerBusy": ("delivery-splunk", "the indexers of Splunk are busy", "add indexers, or raise the retry duration"),
    "Splunk.InvalidHecResponseCharacter": ("delivery-splunk", "the answer does not come from a collector", "fix HECEndpoint"),
    # HTTP endpoints
    "HttpEndpoint.RequestTimeout": ("delivery-http", "the endpoint does not answer in time", _OWNER),
    "HttpEndpoint.ResponseTooLarge": ("delivery-http", "the endpoint's answer is too large", _OWNER),
    "HttpEndpoint.InvalidResponseFromDestination": ("delivery-http", "the endpoint's answer is not what Firehose reads", _OWNER),
    "HttpEndpoint.DestinationException": ("delivery-http", "the endpoint refuses requests", "do what its answer in this line says (401, 403: key; 413: smaller buffer)"),
    "HttpEndpoint.ConnectionFailed": ("delivery-http", "the endpoint cannot be reached", "check its address, certificate and firewall"),
    "HttpEndpoint.ConnectionReset": ("delivery-http", "the connection to the endpoint breaks", _OWNER),
    "HttpEndpoint.SSLHandshakeFailure": ("delivery-http", "the endpoint's certificate is not accepted", "use one of a public authority, with its chain"),
    # Redshift
    "Redshift.TableNotFound": ("delivery-redshift", "the table does not exist", "make the table; Firehose does not"),
    "Redshift.AuthenticationFailed": ("delivery-redshift", "user or password is wrong", "give the stream valid ones"),
    "Redshift.AccessDenied": ("delivery-redshift", "Firehose may not assume the role", _TRUST),
    "Redshift.S3BucketAccessDenied": ("delivery-redshift", "COPY may not read the bucket", "let the cluster's role read the intermediate bucket"),
    "Redshift.DataLoadFailed": ("delivery-redshift", "rows do not fit the table", "read STL_LOAD_ERRORS in the cluster"),
    "Redshift.ConnectionFailed": ("delivery-redshift", "the cluster cannot be reached", "make it public, and let Firehose's addresses of the region in"),
    "Redshift.InsufficientPrivilege": ("delivery-redshift", "the user may not insert into the table", "GRANT INSERT ON the table"),
    "Redshift.ReadOnlyCluster": ("delivery-redshift", "the cluster is being resized", "wait until it is done"),
    "Redshift.DiskFull": ("delivery-redshift", "the cluster's disk is full", "delete data, or enlarge the cluster"),
    # Record format conversion
    "DataFormatConversion.ParseError": ("format-conversion", "a record is not JSON", "let the transform give JSON (framing lines), or convert after it"),
    "DataFormatConversion.MalformedData": ("format-conversion", "a value does not fit its column's type in the Glue table", _GLUE),
    "DataFormatConversion.InvalidSchema": ("format-conversion", "the Glue table has columns that cannot be converted", _GLUE),
    "DataFormatConversion.EntityNotFound": ("format-conversion", "the Glue table or database does not exist", "make it, or fix SchemaConfiguration"),
    "DataFormatConversion.AccessDenied": ("format-conversion", "the role may not read the Glue table", "add glue:GetTable, GetTableVersion and GetTableVersions"),
    # Dynamic partitioning
    "DynamicPartitioning.MetadataExtractionFailed": ("partitioning", "the partition keys cannot be read from records", "check MetadataExtractionQuery against a record as the transform gives it"),
    "DynamicPartitioning.ActivePartitionsLimitExceeded": ("partitioning", "there are more active partitions than allowed (500)", "use keys with fewer values, a shorter buffer, or ask for a higher quota"),
    "DynamicPartitioning.PartitionKeyNotFound": ("partitioning", "records lack a partition key", "let the transform give it for every record"),
    # Iceberg
    "Iceberg.GlueTableNotFound": ("delivery-iceberg", "the table does not exist in the Glue catalog", "make it, or fix the names in the stream"),
    "Iceberg.AccessDenied": ("delivery-iceberg", "the role may not write to the table", "grant it in IAM and in Lake Formation"),
    "Iceberg.MissingColumnWithinRecord": ("delivery-iceberg", "a record and the table have different columns", _GLUE),
    "Iceberg.SchemaTypeMismatch": ("delivery-iceberg", "a value does not fit its column's type", _GLUE),
    "Iceberg.UniqueKeysNotFound": ("delivery-iceberg", "an update or delete lacks the table's unique keys", "give UniqueKeys, or insert only"),
    "InternalError": ("delivery-internal", "Firehose itself failed", _SUPPORT),
}  # fmt: skip

FAMILIES: dict[str, Meaning] = {
    "KMS": ("kms", "a key cannot be used", _KEY_ROLE),
    "S3": ("delivery-s3", "S3 refuses objects", _S3_ROLE),
    "Lambda": ("transform-failed", "the transform failed", "check the function's log; then run streamtally redrive"),
    "Kinesis": ("source", "the source cannot be read", "check the source stream, its key and the stream's role"),
    "MSK": ("source", "the source cannot be read", "check the cluster's policy, its topic and the stream's role"),
    "Splunk": ("delivery-splunk", "Splunk refuses the data", _HEC),
    "HttpEndpoint": ("delivery-http", "the endpoint refuses the data", _OWNER),
    "Redshift": ("delivery-redshift", "Redshift refuses the data", "check the COPY command, the table and the jsonpaths file"),
    "Snowflake": ("delivery-snowflake", "Snowflake refuses the data", "check the user's key, role, warehouse and table"),
    "Iceberg": ("delivery-iceberg", "the table refuses the data", _GLUE),
    "DataFormatConversion": ("format-conversion", "records cannot be converted", _GLUE),
    "DynamicPartitioning": ("partitioning", "records cannot be partitioned", "check the prefix and what gives its keys"),
    "Decompression": ("decompression", "records are not what CloudWatch Logs sends", "send only CloudWatch Logs to this stream, or turn decompression off"),
    "CloudWatchLogs": ("decompression", "records are not what CloudWatch Logs sends", "send only CloudWatch Logs to this stream, or turn decompression off"),
    "OS": ("opensearch-refused", "OpenSearch refuses the data", "streamtally indices plan names the cause"),
    "ES": ("opensearch-refused", "OpenSearch refuses the data", "streamtally indices plan names the cause"),
    "AOSS": ("opensearch-refused", "OpenSearch Serverless refuses the data", "check the data access policy and the collection"),
    "ENI": ("vpc", "the network interfaces of the stream cannot be used", "let the role make and describe them (ec2:CreateNetworkInterface, …), and give the subnet free addresses"),
}  # fmt: skip
"""What stands before the dot of a code → its meaning, for codes that are not in `CODES`."""


def explain_code(code: str) -> Meaning | None:
    """What a code means; None: it is not one of Firehose's."""
    if code in CODES:
        return CODES[code]
    return next((FAMILIES[family] for family in _families(code) if family in FAMILIES), None)


def _families(code: str) -> Iterator[str]:
    """``S3.KMS.DisabledException`` belongs to KMS, then to S3; ``KMSAccessDenied`` without a dot to KMS."""
    parts = code.split(".")
    if "KMS" in parts or code.startswith("KMS"):
        yield "KMS"
    if len(parts) > 1:
        yield parts[0]
