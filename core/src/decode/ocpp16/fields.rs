//! What a decoded message says: its attributes, as they are written and as they are read again.

use serde::{Deserialize, Serialize};

/// The attributes of a decoded message, with texts of type `T`; absent ones are left out of the
/// JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Fields<T> {
    /// See [`super::FORMAT`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) format: Option<T>,
    /// The call: `StatusNotification`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) action: Option<T>,
    /// What the caller named the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unique_id: Option<T>,
    /// The state of a connector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<T>,
    /// The error code, or `other`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<T>,
    /// The maker's own code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) vendor_code: Option<T>,
    /// The maker's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) info: Option<T>,
    /// Why a session stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<T>,
    /// The meter at the start or the stop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) meter_wh: Option<i64>,
    /// The number of the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) transaction: Option<i64>,
    /// The card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id_tag: Option<T>,
    /// Whether the card was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id_tag_status: Option<T>,
    /// The charger's model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<T>,
    /// The charger's maker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) vendor: Option<T>,
}
