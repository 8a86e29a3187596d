//! Tests of the fake through its socket.
