"""The demo: one interview through all three queues, on servers of its own."""
