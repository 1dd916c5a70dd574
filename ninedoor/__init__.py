"""A hive of workers as a filesystem: one protocol core, many doors. Start at docs/ARCHITECTURE.md."""
