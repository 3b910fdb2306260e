"""What tests and benchmarks run the house on: services, drawn people, WeChat's signatures."""
