//! Two directions of one connection: packets go to the broker at once, and acknowledgements of
//! publishes come back once they are committed.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bytes::{Buf as _, Bytes, BytesMut};
use mqtt5_protocol::PacketType;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf},
    net::tcp::{OwnedReadHalf, OwnedWriteHalf},
    time::timeout,
};

use super::{
    connection::{Ended, read_some},
    gate::Gate,
    limits::{BROKER_READ_BYTES, FRAME_BYTES_MAX, LAST_WRITE_WITHIN, LEAVE_WITHIN, WRITE_WITHIN},
    link::Link,
    packet::{self, Connect, PacketError},
    window::{Load, Publish},
};

/// A connection that the broker knows about.
pub(super) struct Conversation<'a> {
    pub(super) gate: &'a Gate,
    pub(super) number: u64,
    pub(super) connect: &'a Connect,
    pub(super) link: Arc<Link>,
    pub(super) has_said_farewell: AtomicBool,
}

impl Conversation<'_> {
    /// Carries packets both ways until either side ends it.
    #[expect(clippy::too_many_arguments, reason = "both halves of two streams, and what was read")]
    pub(super) async fn hold(
        &self,
        reader: OwnedReadHalf,
        buffer: BytesMut,
        to_broker: WriteHalf<DuplexStream>,
        from_broker: ReadHalf<DuplexStream>,
        writer: OwnedWriteHalf,
    ) -> Ended {
        let listening = self.listen(reader, buffer, to_broker);
        let answering = self.answer(from_broker, writer);
        tokio::pin!(listening, answering);

        let ended = tokio::select! {
            ended = &mut listening => ended,
            ended = &mut answering => return self.ended_by_broker(ended),
            () = self.reset_due() => Ended::Reset,
            () = self.intake_over() => Ended::Stopped,
            () = self.gate.stop_overdue() => Ended::Stopped,
        };
        match ended {
            // The broker goes through what came before the end, and then ends as well.
            Ended::Farewell | Ended::Vanished => {
                if timeout(LEAVE_WITHIN, answering).await.is_err() {
                    tracing::debug!("the broker did not end a session in time");
                }
            }
            Ended::Dismissed | Ended::Refused(_) | Ended::Idle | Ended::Reset | Ended::Stopped => {}
        }
        ended
    }

    // The broker closes after a farewell too, and may be noticed first.
    fn ended_by_broker(&self, ended: Ended) -> Ended {
        if self.has_said_farewell.load(Ordering::Relaxed) { Ended::Farewell } else { ended }
    }

    /// Carries packets from the client to the broker, and takes note of the publishes.
    async fn listen(
        &self,
        client: OwnedReadHalf,
        mut buffer: BytesMut,
        mut broker: WriteHalf<DuplexStream>,
    ) -> Ended {
        let ended = loop {
            match self.carry(&client, &mut buffer, &mut broker).await {
                Ok(()) => {}
                Err(ended) => break ended,
            }
        };
        match ended {
            Ended::Farewell | Ended::Vanished => {
                if let Err(error) = broker.shutdown().await {
                    tracing::debug!(error = %error, "the broker had closed before the client");
                }
            }
            // The broker's end stays open meanwhile: what it answers still counts.
            Ended::Stopped => self.settle().await,
            Ended::Dismissed | Ended::Refused(_) | Ended::Idle | Ended::Reset => {}
        }
        ended
    }

    /// Forwards what is complete and has room, or else waits for room or for more bytes.
    ///
    /// A stop interrupts the waits only, so that no packet is forwarded in part.
    async fn carry(
        &self,
        client: &OwnedReadHalf,
        buffer: &mut BytesMut,
        broker: &mut WriteHalf<DuplexStream>,
    ) -> Result<(), Ended> {
        let shutdown = &self.gate.shutdown;
        let run = Run::measure(buffer, self.link.room())?;
        if run.length == 0 {
            if run.is_stopped {
                let eased = shutdown.run_until_cancelled(self.link.eased()).await;
                return eased.ok_or(Ended::Stopped);
            }
            let read = shutdown.run_until_cancelled(read_some(client, buffer)).await;
            return match read.ok_or(Ended::Stopped)? {
                Ok(1..) => Ok(()),
                Ok(0) | Err(_) => Err(Ended::Vanished),
            };
        }

        let memory = shutdown.run_until_cancelled(self.gate.memory(run.publish_bytes)).await;
        let memory = memory.ok_or(Ended::Stopped)?;
        // A copy, since a slice would keep the whole read buffer until the commit.
        let bytes = Bytes::copy_from_slice(buffer.get(..run.length).unwrap_or_default());
        buffer.advance(run.length);
        let (publishes, is_farewell) = self.understand(bytes.clone())?;
        // Before the broker hears of them: its answers must find them.
        self.link.forward(publishes, memory);
        self.has_said_farewell.fetch_or(is_farewell, Ordering::Relaxed);
        broker.write_all(&bytes).await.map_err(|_| Ended::Dismissed)?;
        if is_farewell { Err(Ended::Farewell) } else { Ok(()) }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the library lists every packet there is")]
    fn understand(&self, mut run: Bytes) -> Result<(Vec<Publish>, bool), Ended> {
        let mut publishes = Vec::new();
        let mut is_farewell = false;
        while let Some(frame) = packet::take(&mut run, FRAME_BYTES_MAX)? {
            match frame.packet_type() {
                PacketType::Publish => {
                    publishes.push(frame.publish(self.connect.protocol_version)?);
                }
                PacketType::Disconnect => is_farewell = frame.withdraws_will()?,
                PacketType::Connect => return Err(PacketError::Order.into()),
                _ => {}
            }
        }
        Ok((publishes, is_farewell))
    }

    /// Carries packets from the broker to the client, and acknowledgements once they may leave.
    async fn answer(
        &self,
        mut broker: ReadHalf<DuplexStream>,
        mut client: OwnedWriteHalf,
    ) -> Ended {
        let mut inbound = BytesMut::new();
        let mut outbound = BytesMut::new();
        let mut has_arrived = false;
        loop {
            // More where more is on its way; an idle connection keeps little.
            inbound.reserve(BROKER_READ_BYTES.max(inbound.len()));
            let is_over = tokio::select! {
                () = self.link.released() => false,
                read = broker.read_buf(&mut inbound) => !matches!(read, Ok(1..)),
            };
            let leaving = match self.link.exchange(&mut inbound, &mut outbound) {
                Ok(leaving) => leaving,
                Err(error) => return error.into(),
            };
            if !has_arrived && self.link.was_let_in() {
                has_arrived = true;
                let Connect { client_id, will, .. } = self.connect;
                self.gate.wills.arrived(client_id, self.number, will.is_some());
            }
            if !outbound.is_empty() {
                match timeout(WRITE_WITHIN, client.write_all(&outbound)).await {
                    Ok(Ok(())) => outbound.clear(),
                    Ok(Err(_)) => return Ended::Vanished,
                    Err(_) => return Ended::Idle,
                }
            }
            self.link.finish(leaving);
            if is_over {
                return Ended::Dismissed;
            }
        }
    }

    /// Waits for the commits of what is under way.
    async fn settle(&self) {
        while !self.link.is_settled() {
            self.link.eased().await;
        }
    }

    /// Waits for the end of the intake, after which there will be no commit.
    async fn intake_over(&self) {
        self.gate.intake.closed().await;
        tokio::time::sleep(LAST_WRITE_WITHIN).await;
    }

    async fn reset_due(&self) {
        let mut resets = self.gate.resets.subscribe();
        while resets.changed().await.is_ok() {
            if self.link.owes_acknowledgements() {
                return;
            }
        }
        std::future::pending::<()>().await;
    }
}

/// The whole packets at the front of a buffer for which there is room.
struct Run {
    length: usize,
    publish_bytes: usize,
    // Whether a whole packet is left that has to wait.
    is_stopped: bool,
}

impl Run {
    fn measure(buffer: &[u8], room: Load) -> Result<Self, PacketError> {
        let mut run = Self { length: 0, publish_bytes: 0, is_stopped: false };
        let mut publishes = 0;
        while let Some(rest) = buffer.get(run.length..).filter(|rest| !rest.is_empty()) {
            let Some((packet_type, size)) = packet::peek(rest, FRAME_BYTES_MAX)? else {
                break;
            };
            if rest.len() < size {
                break;
            }
            if packet_type == PacketType::Publish {
                // One that is larger than the room is let in alone: it could never go otherwise.
                let has_room = run.publish_bytes < room.bytes && publishes < room.publishes;
                if !has_room {
                    run.is_stopped = true;
                    break;
                }
                publishes += 1;
                run.publish_bytes += size;
            }
            run.length += size;
        }
        Ok(run)
    }
}
