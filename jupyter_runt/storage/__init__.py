"""What is kept: events, snapshots, which file is which document, and who may write."""
