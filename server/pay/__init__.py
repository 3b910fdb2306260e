"""The two callback views of WeChat Pay."""
