"""What bridge, hive and tools write into the files below /gpu: pure formats, bytes in and values out.

Nothing here knows the hive or a device. Whoever receives a line from a peer gets a P9Error with the errno
that the peer will see; whoever only shows a file gets None for what is no such line.
"""
