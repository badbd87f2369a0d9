//! Delivery channels: how a letter about a task is put for another system.
//!
//! To add a channel: a file under `deliver/` with its settings, a pure function that builds what is
//! sent, its [`Kind`], and a line in [`KINDS`].

pub mod access;
pub mod bot;
pub mod caldav;
pub mod channel;
pub mod csv;
pub mod dingtalk;
pub mod email;
pub mod exchange;
pub mod failure;
pub mod feishu;
pub mod hubspot;
pub mod inbound;
pub mod kind;
pub mod letter;
pub mod mqtt;
pub mod odoo;
pub mod records;
pub mod salesforce;
pub mod template;
pub mod tryton;
pub mod webhook;
pub mod wecom;

pub use self::channel::{Channel, Receipt, RecordState};
pub use self::failure::Failure;
pub use self::inbound::Inbound;
pub use self::kind::{Kind, SettingsError, Surroundings};
pub use self::letter::Letter;

/// All kinds of channels, in the order of their names.
pub const KINDS: &[&Kind] = &[
    &caldav::KIND,
    &csv::KIND,
    &dingtalk::KIND,
    &email::KIND,
    &feishu::KIND,
    &hubspot::KIND,
    &mqtt::KIND,
    &odoo::KIND,
    &salesforce::KIND,
    &tryton::KIND,
    &webhook::KIND,
    &wecom::KIND,
];
