"""The status page for students outside WeChat."""
