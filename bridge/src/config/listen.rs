//! Addresses to listen at: an IP address and a port.

use std::net::SocketAddr;

use serde::{Deserialize as _, Deserializer, de};

/// Reads an optional address.
pub(super) fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SocketAddr>, D::Error> {
    read_required(from).map(Some)
}

/// Reads an address.
pub(super) fn read_required<'de, D: Deserializer<'de>>(from: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map_err(|_| {
        de::Error::custom(format!(
            "'{text}' is no address to listen at; write an IP address and a port, such as \
             \"127.0.0.1:8080\""
        ))
    })
}
