"""Other people's clients on a hive as its operator starts it: Linux's 9P client, QEMU, diod's tools, p9fs."""
