//! Ingest: messages come in by two doors, and are acknowledged after their commit.
//!
//! [`client`] reads from the site's own broker; [`door`] is a broker inside this process. Both
//! hand [`delivery::Delivery`]s to the runtime and learn from it what may be acknowledged. Beside
//! them programs hand in [`submission::Submission`]s over HTTP.

pub(crate) mod delivery;
pub(crate) mod submission;
pub(crate) mod inbox;
pub(crate) mod connect;
pub(crate) mod client;
pub(crate) mod door;
pub(crate) mod dialer;
pub(crate) mod mqtt;
mod pem;
