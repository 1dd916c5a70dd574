"""The operator's shell. Its verbs and transports are built on `ninedoor.client`."""
