"""What the subcommands of ``jaxcrypt ledger`` do, once the command line is read."""
