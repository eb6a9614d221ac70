"""What `scripts/measure` runs. Loopback only, bounded in count and time. Timings are never judged in scripts/test."""
