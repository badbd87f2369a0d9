//! The binary in bad times: it is killed, stopped, cut off, short of disk, flooded, fed with rubbish.
//!
//! Nothing that was acknowledged is lost, nothing is counted twice. `UPTURN_TEST_LONG` makes the
//! faults many more.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails where something is missing"
)]

mod bad_input;
mod clock;
mod flood;
mod letters;
mod load;
mod network;
mod power_cut;
mod sabotage;
mod standby;
mod storage;
