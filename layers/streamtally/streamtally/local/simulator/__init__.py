"""A simulator of Amazon Data Firehose: both delivery streams in one process, by AWS's documented behaviour.

It is no Firehose: what AWS leaves undocumented (how exactly batches are cut, when an object is written) is chosen here.
"""
