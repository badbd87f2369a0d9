//! One client's connection, from its CONNECT to its will.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, atomic::AtomicBool},
};

use bytes::{Bytes, BytesMut};
use mqtt5_protocol::PacketType;
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpStream, tcp::OwnedReadHalf},
    sync::mpsc,
    time::timeout,
};

use crate::ingest::delivery::Delivery;

use super::{
    conversation::Conversation,
    gate::Gate,
    limits::{CONNECT_WITHIN, FRAME_BYTES_MAX, READ_BYTES},
    link::Link,
    packet::{self, Connect, PacketError},
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
            Self::Vanished | Self::Dismissed | Self::Refused(_) | Self::Idle => true,
            Self::Farewell | Self::Reset | Self::Stopped => false,
        }
    }
}

/// Serves a client until either side ends the connection.
pub(super) async fn serve(gate: &Gate, number: u64, client: TcpStream, peer: SocketAddr) -> Ended {
    let (reader, writer) = client.into_split();
    let mut buffer = BytesMut::new();
    let opening = timeout(CONNECT_WITHIN, open(&reader, &mut buffer));
    let (connect, packet) = match gate.shutdown.run_until_cancelled(opening).await {
        None => return Ended::Stopped,
        Some(Err(_)) => return Ended::Idle,
        Some(Ok(Err(ended))) => return ended,
        Some(Ok(Ok(opened))) => opened,
    };

    let (from_broker, mut to_broker) = tokio::io::split(gate.broker.attach(peer));
    if to_broker.write_all(&packet).await.is_err() {
        return Ended::Dismissed;
    }

    let link = Arc::new(Link::new(connect.protocol_version));
    let conversation = Conversation {
        gate,
        number,
        connect: &connect,
        link: Arc::clone(&link),
        has_said_farewell: AtomicBool::new(false),
    };
    let speaking = async {
        let ended = conversation.hold(reader, buffer, to_broker, from_broker, writer).await;
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

/// Reads what is there; a client that sends nothing costs no buffer meanwhile.
pub(super) async fn read_some(client: &OwnedReadHalf, buffer: &mut BytesMut) -> io::Result<usize> {
    if buffer.is_empty() {
        *buffer = BytesMut::new();
    }
    loop {
        client.readable().await?;
        buffer.reserve(READ_BYTES);
        match client.try_read_buf(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => return read,
        }
    }
}

async fn open(client: &OwnedReadHalf, buffer: &mut BytesMut) -> Result<(Connect, Bytes), Ended> {
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
        if !matches!(read_some(client, buffer).await, Ok(1..)) {
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
