//! The broker behind the gate, whichever library it is.

use std::{fmt::Debug, net::SocketAddr};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::io::DuplexStream;

/// How often a message may arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "the standard's own words")]
#[cfg_attr(not(test), expect(dead_code, reason = "letters use one; the door's tests use all"))]
pub(crate) enum Quality {
    /// At most once (`QoS` 0).
    AtMostOnce,
    /// At least once (`QoS` 1).
    AtLeastOnce,
    /// Exactly once (`QoS` 2).
    ExactlyOnce,
}

/// An MQTT broker inside this process, which no one can reach but through the gate.
///
/// It has to speak MQTT 3.1.1 and 5 on each connection, and to answer every publish of `QoS` 1
/// and 2 by PUBACK or PUBREC as soon as it has accepted or refused it: the gate holds them.
#[async_trait]
pub(crate) trait Broker: Debug + Send + Sync {
    /// Returns the other end of a new connection of a client at `peer`.
    fn attach(&self, peer: SocketAddr) -> DuplexStream;

    /// Delivers a message to the clients that subscribed to it.
    async fn publish(&self, topic: &str, payload: Bytes, quality: Quality);
}
