"""A simulator of Amazon Data Firehose: both delivery streams in one process, with the behaviour that AWS documents.

It is not Firehose: where AWS documents nothing (how exactly batches are cut, when an object is written), it makes its
own choice.
"""
