"""What the commands share: entry and exit codes, key options, config flags, jobs and outputs."""
