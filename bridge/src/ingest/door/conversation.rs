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
    time::{Instant, timeout},
};
use upturn_core::id::DeviceId;

use super::{
    connection::Ended,
    gate::Gate,
    limits::{
        BROKER_READ_BYTES, FRAME_BYTES_MAX, LAST_WRITE_WITHIN, LEAVE_WITHIN, RETAINED_BYTES_MAX,
        WRITE_WITHIN,
    },
    link::Link,
    packet::{self, Connect, Frame, PacketError},
    rate::Bucket,
    stream::{Reader, Writer},
    window::{Load, Publish},
};

/// A connection that the broker knows about.
pub(super) struct Conversation<'a> {
    pub(super) gate: &'a Gate,
    pub(super) number: u64,
    pub(super) connect: &'a Connect,
    /// The device for which alone the client may speak, where it showed a certificate.
    pub(super) device: Option<DeviceId>,
    /// What the client may still publish, where that is bounded.
    pub(super) bucket: Option<Arc<Bucket>>,
    pub(super) link: Arc<Link>,
    pub(super) has_said_farewell: AtomicBool,
    /// A packet to the client may have left in part.
    pub(super) is_writing: AtomicBool,
}

impl Conversation<'_> {
    /// Decides whether the client may come in at all.
    pub(super) fn admit(&self) -> Result<(), Ended> {
        let Connect { client_id, will, .. } = self.connect;
        if let Some(device) = &self.device {
            // The id is the key to a session, and a session holds what is meant for its owner.
            if !client_id.is_empty() && client_id != device.as_str() {
                return Err(Ended::Foreign(format!("{device} the client id {client_id:?}")));
            }
            if let Some(will) = will {
                self.check_publish(&will.topic)?;
            }
        }
        let lets_in = self.bucket.as_ref().is_none_or(|bucket| bucket.lets_in(Instant::now()));
        if lets_in { Ok(()) } else { Err(Ended::Flood) }
    }

    /// Carries packets both ways until either side ends it.
    pub(super) async fn hold(
        &self,
        (reader, mut writer): (Reader, Writer),
        buffer: BytesMut,
        (to_broker, from_broker): (WriteHalf<DuplexStream>, ReadHalf<DuplexStream>),
    ) -> Ended {
        let ended = {
            let listening = self.listen(reader, buffer, to_broker);
            let answering = self.answer(from_broker, &mut writer);
            self.talk(listening, answering).await
        };
        self.part(&mut writer, &ended).await;
        ended
    }

    async fn talk(
        &self,
        listening: impl Future<Output = Ended>,
        answering: impl Future<Output = Ended>,
    ) -> Ended {
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
            Ended::Dismissed
            | Ended::Refused(_)
            | Ended::Foreign(_)
            | Ended::Flood
            | Ended::Idle
            | Ended::Reset
            | Ended::Stopped => {}
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
        mut client: Reader,
        mut buffer: BytesMut,
        mut broker: WriteHalf<DuplexStream>,
    ) -> Ended {
        let ended = loop {
            match self.carry(&mut client, &mut buffer, &mut broker).await {
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
            Ended::Dismissed
            | Ended::Refused(_)
            | Ended::Foreign(_)
            | Ended::Flood
            | Ended::Idle
            | Ended::Reset => {}
        }
        ended
    }

    /// Forwards what is complete and has room, or else waits for room or for more bytes.
    ///
    /// A stop interrupts the waits only, so that no packet is forwarded in part.
    async fn carry(
        &self,
        client: &mut Reader,
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
            let read = shutdown.run_until_cancelled(client.read_some(buffer)).await;
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
        let Understood { publishes, not_retained, is_farewell } = self.understand(bytes.clone())?;
        let bytes = without_retain(bytes, &not_retained);
        // Before the broker hears of them: its answers must find them.
        self.link.forward(publishes, memory);
        self.has_said_farewell.fetch_or(is_farewell, Ordering::Relaxed);
        broker.write_all(&bytes).await.map_err(|_| Ended::Dismissed)?;
        if is_farewell { Err(Ended::Farewell) } else { Ok(()) }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the library lists every packet there is")]
    fn understand(&self, mut run: Bytes) -> Result<Understood, Ended> {
        let mut understood = Understood::default();
        let length = run.len();
        let mut at = 0;
        while let Some(frame) = packet::take(&mut run, FRAME_BYTES_MAX)? {
            match frame.packet_type() {
                PacketType::Publish => {
                    let publish = frame.publish(self.connect.protocol_version)?;
                    self.check_publish(&publish.topic)?;
                    if frame.is_to_be_retained() && !self.may_be_retained(&publish) {
                        understood.not_retained.push(at);
                    }
                    understood.publishes.push(publish);
                }
                PacketType::Subscribe => self.check_subscribe(&frame)?,
                PacketType::Disconnect => understood.is_farewell = frame.withdraws_will()?,
                PacketType::Connect => return Err(PacketError::Order.into()),
                _ => {}
            }
            at = length - run.len();
        }
        let count = understood.publishes.len();
        if let Some(bucket) = self.bucket.as_ref().filter(|_| 0 < count)
            && !bucket.take(count, Instant::now())
        {
            return Err(Ended::Flood);
        }
        Ok(understood)
    }

    fn may_be_retained(&self, publish: &Publish) -> bool {
        publish.size <= RETAINED_BYTES_MAX && self.gate.homes.may_be_retained(&publish.topic)
    }

    fn check_publish(&self, topic: &str) -> Result<(), Ended> {
        match &self.device {
            Some(device) if !self.gate.homes.may_publish(device, topic) => {
                Err(Ended::Foreign(format!("{device} to publish to {topic:?}")))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn check_subscribe(&self, frame: &Frame) -> Result<(), Ended> {
        let Some(device) = &self.device else { return Ok(()) };
        let filters = frame.filters(self.connect.protocol_version)?;
        match filters.iter().find(|filter| !self.gate.homes.may_subscribe(device, filter)) {
            Some(filter) => Err(Ended::Foreign(format!("{device} to subscribe to {filter:?}"))),
            None => Ok(()),
        }
    }

    /// Carries packets from the broker to the client, and acknowledgements once they may leave.
    async fn answer(&self, mut broker: ReadHalf<DuplexStream>, client: &mut Writer) -> Ended {
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
                let written = async {
                    client.write_all(&outbound).await?;
                    // TLS keeps what the system did not take at once.
                    client.flush().await
                };
                self.is_writing.store(true, Ordering::Relaxed);
                match timeout(WRITE_WITHIN, written).await {
                    Ok(Ok(())) => outbound.clear(),
                    Ok(Err(_)) => return Ended::Vanished,
                    Err(_) => return Ended::Idle,
                }
            }
            self.is_writing.store(false, Ordering::Relaxed);
            self.link.finish(leaving);
            if is_over {
                return Ended::Dismissed;
            }
        }
    }

    /// Tells the client why the connection ends, and closes it.
    async fn part(&self, writer: &mut Writer, ended: &Ended) {
        let version = self.connect.protocol_version;
        let farewell = ended.reason().and_then(|reason| packet::dismissal(version, reason));
        let told = async {
            // Behind a packet that was cut short it would be read as the rest of that packet.
            if let Some(farewell) = farewell.filter(|_| !self.is_writing.load(Ordering::Relaxed)) {
                writer.write_all(&farewell).await?;
            }
            writer.shutdown().await
        };
        if !matches!(timeout(LAST_WRITE_WITHIN, told).await, Ok(Ok(()))) {
            tracing::debug!("a connection was gone before it was closed");
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

/// What a client said in a run of packets.
#[derive(Default)]
struct Understood {
    publishes: Vec<Publish>,
    /// Where in the run publishes begin that ask to be retained and must not be.
    not_retained: Vec<usize>,
    is_farewell: bool,
}

/// Returns `run` with the publishes that begin `at` these places no longer asking to be retained.
fn without_retain(run: Bytes, at: &[usize]) -> Bytes {
    if at.is_empty() {
        return run;
    }
    let mut changed = BytesMut::from(&*run);
    for place in at {
        if let Some(first) = changed.get_mut(*place) {
            *first &= !packet::RETAIN;
        }
    }
    changed.freeze()
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
