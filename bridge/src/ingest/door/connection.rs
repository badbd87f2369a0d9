//! One client's connection, from its CONNECT to its will.

use std::sync::{Arc, atomic::AtomicBool};

use bytes::{Bytes, BytesMut};
use mqtt5_protocol::{PacketType, ReasonCode};
use tokio::{
    io::AsyncWriteExt as _,
    sync::mpsc,
    time::{Instant, timeout},
};

use crate::{ingest::delivery::Delivery, telemetry::Refusal};

use super::{
    conversation::Conversation,
    gate::Gate,
    limits::{CONNECT_WITHIN, FRAME_BYTES_MAX, LAST_WRITE_WITHIN},
    link::Link,
    packet::{self, Connect, PacketError},
    rate::Rates,
    stream::{Client, Reader, Writer},
    window::Load,
};

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    /// The client took its leave, and its will with it.
    #[error("the client disconnected")]
    Farewell,
    /// The client went without a word.
    #[error("the client is gone")]
    Vanished,
    /// The broker closed, such as for a second client of the same id.
    #[error("the broker closed the connection")]
    Dismissed,
    /// Bytes that the gate does not let through.
    #[error("the connection was closed")]
    Refused(#[from] PacketError),
    /// In another device's name, or to hear what is meant for another.
    #[error("the client's certificate does not allow {0}")]
    Foreign(String),
    /// More than it may publish.
    #[error("the client publishes more than its rate allows; see rate_max")]
    Flood,
    /// No CONNECT, or nothing read for too long.
    #[error("the client was silent for too long")]
    Idle,
    /// A commit failed for which the client waits; it has to publish again.
    #[error("a commit failed; the client has to publish again")]
    Reset,
    /// Upturn stops.
    #[error("the program stops")]
    Stopped,
}

impl Ended {
    /// Whether the client's will is due: not if the end was our doing, since the client lives.
    fn calls_for_will(&self) -> bool {
        match self {
            Self::Vanished
            | Self::Dismissed
            | Self::Refused(_)
            | Self::Foreign(_)
            | Self::Flood
            | Self::Idle => true,
            Self::Farewell | Self::Reset | Self::Stopped => false,
        }
    }

    /// What is counted about it.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Foreign(_) => Some(Refusal::Identity),
            Self::Flood => Some(Refusal::Rate),
            Self::Refused(_) => Some(Refusal::Packet),
            Self::Farewell
            | Self::Vanished
            | Self::Dismissed
            | Self::Idle
            | Self::Reset
            | Self::Stopped => None,
        }
    }

    /// What the client is told about it, where its version of MQTT has a word for it.
    pub(super) fn reason(&self) -> Option<ReasonCode> {
        match self {
            Self::Foreign(_) => Some(ReasonCode::NotAuthorized),
            Self::Flood => Some(ReasonCode::QuotaExceeded),
            Self::Refused(_)
            | Self::Farewell
            | Self::Vanished
            | Self::Dismissed
            | Self::Idle
            | Self::Reset
            | Self::Stopped => None,
        }
    }
}

/// Serves a client until either side ends the connection.
pub(super) async fn serve(
    gate: &Gate,
    number: u64,
    client: Client,
    rates: Option<&Rates>,
) -> Ended {
    let Client { peer, mut reader, mut writer, device } = client;
    let mut buffer = BytesMut::new();
    let opening = timeout(CONNECT_WITHIN, open(&mut reader, &mut buffer));
    let (connect, packet) = match gate.shutdown.run_until_cancelled(opening).await {
        None => return Ended::Stopped,
        Some(Err(_)) => return Ended::Idle,
        Some(Ok(Err(ended))) => return ended,
        Some(Ok(Ok(opened))) => opened,
    };
    let who = device.as_ref().map_or(&*connect.client_id, |device| device.as_str());
    let address = peer.ip().to_string();
    let who = if who.is_empty() { &address } else { who };
    let bucket = rates.map(|rates| rates.bucket(who, Instant::now()));

    let conversation = Conversation {
        gate,
        number,
        connect: &connect,
        device,
        bucket,
        link: Arc::new(Link::new(connect.protocol_version)),
        has_said_farewell: AtomicBool::new(false),
        is_writing: AtomicBool::new(false),
    };
    if let Err(ended) = conversation.admit() {
        refuse(&mut writer, connect.protocol_version, &ended).await;
        return ended;
    }
    let (from_broker, mut to_broker) = tokio::io::split(gate.broker.attach(peer));
    if to_broker.write_all(&packet).await.is_err() {
        return Ended::Dismissed;
    }

    let link = Arc::clone(&conversation.link);
    let speaking = async {
        let ends = (to_broker, from_broker);
        let ended = conversation.hold((reader, writer), buffer, ends).await;
        link.close();
        ended
    };
    // What the broker accepted reaches the intake even if the client has left meanwhile.
    let feeding = async {
        tokio::select! {
            () = feed(&link, &gate.intake) => {}
            () = gate.stop_overdue() => {}
        }
    };
    let (ended, ()) = tokio::join!(speaking, feeding);

    match connect.will {
        Some(will) if ended.calls_for_will() && link.was_let_in() => {
            gate.wills.vanished(connect.client_id, number, will).await;
        }
        _ => gate.wills.left(&connect.client_id, number),
    }
    ended
}

/// Tells a client that it is not let in, and why.
async fn refuse(writer: &mut Writer, protocol_version: u8, ended: &Ended) {
    let Some(reason) = ended.reason() else { return };
    let answer = packet::refusal(protocol_version, reason);
    let told = async {
        writer.write_all(&answer).await?;
        writer.shutdown().await
    };
    if !matches!(timeout(LAST_WRITE_WITHIN, told).await, Ok(Ok(()))) {
        tracing::debug!("a client that was not let in was gone before it was told");
    }
}

async fn open(client: &mut Reader, buffer: &mut BytesMut) -> Result<(Connect, Bytes), Ended> {
    loop {
        if let Some((packet_type, size)) = packet::peek(buffer, FRAME_BYTES_MAX)? {
            if packet_type != PacketType::Connect {
                return Err(PacketError::Order.into());
            }
            if size <= buffer.len() {
                let mut bytes = buffer.split_to(size).freeze();
                let frame = packet::take(&mut bytes, FRAME_BYTES_MAX)?.ok_or(PacketError::Order)?;
                return Ok((frame.connect()?, frame.into_bytes()));
            }
        }
        if !matches!(client.read_some(buffer).await, Ok(1..)) {
            return Err(Ended::Vanished);
        }
    }
}

/// Hands accepted publishes to the intake, in order. A full intake makes only this wait; what
/// comes back from the broker, and acknowledgements, go on.
async fn feed(link: &Arc<Link>, intake: &mpsc::Sender<Delivery>) {
    while let Some(batch) = link.accepted().await {
        let mut over = Load::default();
        for accepted in batch {
            if accepted.token.is_none() {
                over.publishes += 1;
                over.bytes += accepted.publish.size;
            }
            if intake.send(link.deliver(accepted)).await.is_err() {
                return;
            }
        }
        link.finish(over);
    }
}
