"""What the crash tests break things with, and what they keep running meanwhile."""
