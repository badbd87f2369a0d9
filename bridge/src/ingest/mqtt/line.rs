//! One connection to a broker, read and written by whoever polls it.

use std::pin::Pin;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf, split};
use tokio::time::{Instant, Sleep, sleep};

use super::codec::{self, Incoming};
use super::options::{KEEP_ALIVE_S, Options, Stream};
use super::{Full, Heard, LinkError, Queue, Welcome, v3, v5};
use crate::config::mqtt::MqttVersion;

/// Bytes that are read at once, if they are there.
const READ_BYTES: usize = 64 * 1024;

/// A connection that the broker has let us in by.
#[derive(Debug)]
pub(super) struct Line {
    version: MqttVersion,
    reader: ReadHalf<Box<dyn Stream>>,
    writer: WriteHalf<Box<dyn Stream>>,
    /// Read, but not taken yet.
    incoming: BytesMut,
    /// To be written, before all that waits.
    outgoing: BytesMut,
    /// Something was written that may still lie on this side.
    is_unflushed: bool,
    keep_alive: Duration,
    next_ping: Pin<Box<Sleep>>,
    /// Nothing has come since we asked for a sign of life.
    is_asking: bool,
}

impl Line {
    /// Makes a connection and says who we are.
    pub(super) async fn connect(options: &Options) -> Result<(Self, Welcome), LinkError> {
        let (reader, writer) = split(options.peer.dial().await?);
        let keep_alive = Duration::from_secs(KEEP_ALIVE_S.into());
        let mut line = Self {
            version: options.version,
            reader,
            writer,
            incoming: BytesMut::new(),
            outgoing: BytesMut::new(),
            is_unflushed: false,
            keep_alive,
            next_ping: Box::pin(sleep(keep_alive)),
            is_asking: false,
        };
        let written = match options.version {
            MqttVersion::V3 => v3::connect(options, &mut line.outgoing),
            MqttVersion::V5 => v5::connect(options, &mut line.outgoing),
        };
        written.map_err(too_long)?;
        line.writer.write_all_buf(&mut line.outgoing).await?;
        line.writer.flush().await?;
        loop {
            match line.take()? {
                Some(Incoming::Heard(Heard::Connected(welcome))) => {
                    line.obey(&welcome);
                    return Ok((line, welcome));
                }
                Some(_) => {
                    return Err(LinkError::Malformed("no answer to our log-in".to_owned()));
                }
                None => read(&mut line.reader, &mut line.incoming).await?,
            }
        }
    }

    /// Takes over how often the broker wants to hear from us.
    fn obey(&mut self, welcome: &Welcome) {
        let announced = welcome.limits.and_then(|limits| limits.keep_alive_s);
        if let Some(seconds) = announced.filter(|seconds| 0 < *seconds) {
            self.keep_alive = Duration::from_secs(seconds.into());
        }
        self.next_ping.as_mut().reset(Instant::now() + self.keep_alive);
    }

    /// Reads and writes until there is something to tell.
    pub(super) async fn next(&mut self, queue: &Queue) -> Result<Heard, LinkError> {
        loop {
            if let Some(heard) = self.next_here()? {
                return Ok(heard);
            }
            self.collect(queue);
            let Self { reader, writer, incoming, outgoing, is_unflushed, next_ping, .. } = self;
            let is_due = !outgoing.is_empty() || *is_unflushed;
            tokio::select! {
                // Reading goes on while the broker takes nothing, or both sides would wait.
                biased;
                written = write(writer, outgoing, is_unflushed), if is_due => written?,
                done = read(reader, incoming) => {
                    done?;
                    self.is_asking = false;
                }
                () = queue.added.notified() => {}
                () = next_ping.as_mut() => self.ask()?,
            }
        }
    }

    /// Returns what has come already.
    pub(super) fn next_here(&mut self) -> Result<Option<Heard>, LinkError> {
        while let Some(incoming) = self.take()? {
            match incoming {
                Incoming::Heard(heard) => return Ok(Some(heard)),
                Incoming::Released(packet_id) => {
                    codec::complete(packet_id, &mut self.outgoing).map_err(too_long)?;
                }
                Incoming::Pong => {}
            }
        }
        Ok(None)
    }

    /// Writes all there is to write.
    pub(super) async fn finish(mut self, queue: &Queue) -> Result<(), LinkError> {
        self.collect(queue);
        write(&mut self.writer, &mut self.outgoing, &mut self.is_unflushed).await
    }

    fn take(&mut self) -> Result<Option<Incoming>, LinkError> {
        match self.version {
            MqttVersion::V3 => v3::read(&mut self.incoming),
            MqttVersion::V5 => v5::read(&mut self.incoming),
        }
    }

    /// Takes what waits in `queue`.
    fn collect(&mut self, queue: &Queue) {
        let mut waiting = queue.lock();
        if self.outgoing.is_empty() {
            std::mem::swap(&mut self.outgoing, &mut waiting.bytes);
        } else {
            self.outgoing.extend_from_slice(&waiting.bytes);
            waiting.bytes.clear();
        }
    }

    /// Asks for a sign of life, unless the last question was not answered.
    fn ask(&mut self) -> Result<(), LinkError> {
        if self.is_asking {
            return Err(LinkError::Silent);
        }
        self.is_asking = true;
        self.next_ping.as_mut().reset(Instant::now() + self.keep_alive);
        codec::ping(&mut self.outgoing).map_err(too_long)
    }
}

fn too_long(_: Full) -> LinkError {
    LinkError::Malformed("more than may wait for an answer".to_owned())
}

/// Reads what is there. May be given up: then nothing was read.
async fn read(
    reader: &mut ReadHalf<Box<dyn Stream>>,
    incoming: &mut BytesMut,
) -> Result<(), LinkError> {
    if incoming.capacity() - incoming.len() < READ_BYTES / 4 {
        incoming.reserve(READ_BYTES);
    }
    match reader.read_buf(incoming).await? {
        0 => Err(LinkError::HungUp),
        _ => Ok(()),
    }
}

/// Writes everything. May be given up: what was not written stays.
async fn write(
    writer: &mut WriteHalf<Box<dyn Stream>>,
    outgoing: &mut BytesMut,
    is_unflushed: &mut bool,
) -> Result<(), LinkError> {
    *is_unflushed = true;
    while !outgoing.is_empty() {
        if writer.write_buf(outgoing).await? == 0 {
            return Err(LinkError::HungUp);
        }
    }
    writer.flush().await?;
    *is_unflushed = false;
    Ok(())
}
