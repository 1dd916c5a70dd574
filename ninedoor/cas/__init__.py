"""Formats of content-addressed updates, without files and sockets: what a hive and a packer agree on.

    faults     what is raised: CasFault, and below it TooLarge and Incomplete
    limits     Limits; the names of epochs and chunks
    manifest   Bundle (a manifest as a value), encode, decode, Decoder, signed_message
    signing    parse_keys (KeyFile), derive_public, sign, verify
    models     signatures of models: sign, verify
    payload    check_delta
    status     Status with text() and cbor(), parse_text, parse_cbor
    transfer   what a write to a node stores: prepare, is_part

The formats are the original's, byte for byte; what is added is said where it is added. Grammar and examples
are in docs/INTERFACES.md.
"""
