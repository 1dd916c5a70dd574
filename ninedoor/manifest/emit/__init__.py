"""What is written from a manifest for others to read. Every text depends on the manifest alone."""
