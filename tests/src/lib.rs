//! Helpers of the tests that look at the binary from outside.
