"""Thirty nights of one task, run as cron would run it: `make nights`, or one slow test."""
