//! Delivery channels: how a letter about a task is put for another system.
//!
//! To add a channel: a file under `deliver/` with its settings, a pure function that builds what is
//! sent, its [`Kind`], and a line in [`KINDS`].

pub mod channel;
pub mod failure;
pub mod inbound;
pub mod kind;
pub mod letter;
pub mod mqtt;

pub use self::channel::{Channel, Receipt, RecordState};
pub use self::failure::Failure;
pub use self::inbound::Inbound;
pub use self::kind::{Kind, SettingsError, Surroundings};
pub use self::letter::Letter;

/// All kinds of channels, in the order of their names.
pub const KINDS: &[&Kind] = &[&mqtt::KIND];
