//! What the two directions of a connection, the intake and the commits share.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::{Bytes, BytesMut};
use mqtt5_protocol::PacketType;
use tokio::sync::{Notify, OwnedSemaphorePermit};

use crate::ingest::delivery::{Acknowledge, Delivery, Receipt};

use super::{
    limits::{BROKER_FRAME_BYTES_MAX, IN_FLIGHT_BYTES_MAX, IN_FLIGHT_MAX},
    packet::{self, FIRST_VERSION_WITH_REASONS, PacketError},
    window::{Accepted, Load, Publish, Window},
};

/// The meeting point of one connection. Every lock in it is short and never held over a wait.
#[derive(Debug)]
pub(super) struct Link {
    protocol_version: u8,
    state: Mutex<State>,
    // Each has one waiter: the feeder, the direction to the client, the one from the client.
    accepted: Notify,
    released: Notify,
    eased: Notify,
}

#[derive(Debug, Default)]
struct State {
    window: Window,
    // This connection's part of what all of them may keep in memory.
    memory: Option<OwnedSemaphorePermit>,
    is_closed: bool,
}

impl Acknowledge for Link {
    fn acknowledge(&self, token: u64) {
        if self.state().window.release(token) {
            self.released.notify_one();
        }
    }
}

impl Link {
    /// Starts with nothing under way.
    pub(super) fn new(protocol_version: u8) -> Self {
        Self {
            protocol_version,
            state: Mutex::default(),
            accepted: Notify::new(),
            released: Notify::new(),
            eased: Notify::new(),
        }
    }

    /// Returns how much more may come before something has left.
    pub(super) fn room(&self) -> Load {
        let open = self.state().window.open();
        Load {
            publishes: IN_FLIGHT_MAX.saturating_sub(open.publishes),
            bytes: IN_FLIGHT_BYTES_MAX.saturating_sub(open.bytes),
        }
    }

    /// Takes publishes that are about to be forwarded, with the memory they lie in.
    pub(super) fn forward(&self, publishes: Vec<Publish>, memory: Option<OwnedSemaphorePermit>) {
        let mut state = self.state();
        match (&mut state.memory, memory) {
            (Some(kept), Some(more)) => kept.merge(more),
            (kept @ None, more) => *kept = more,
            (Some(_), None) => {}
        }
        for publish in publishes {
            state.window.forward(publish);
        }
        drop(state);
        self.accepted.notify_one();
    }

    /// Sorts what the broker sent: what the client may have at once goes to `outbound`,
    /// acknowledgements of publishes go into the window, and those that may leave come out.
    ///
    /// Returns what leaves by it; that is over once [`Link::finish`] says so.
    pub(super) fn exchange(
        &self,
        inbound: &mut BytesMut,
        outbound: &mut BytesMut,
    ) -> Result<Load, PacketError> {
        let mut state = self.state();
        let mut is_anything_accepted = false;
        let mut over = Load::default();
        while let Some((_, size)) = packet::peek(inbound, BROKER_FRAME_BYTES_MAX)? {
            if inbound.len() < size {
                break;
            }
            let mut bytes = Bytes::copy_from_slice(&inbound.split_to(size));
            let Some(frame) = packet::take(&mut bytes, BROKER_FRAME_BYTES_MAX)? else {
                break;
            };
            if let Some((word, is_accepted)) = frame.word()? {
                if !is_accepted && self.protocol_version < FIRST_VERSION_WITH_REASONS {
                    return Err(PacketError::Refused);
                }
                if !state.window.answer(word, is_accepted, frame.into_bytes()) {
                    return Err(PacketError::UnknownWord);
                }
                is_anything_accepted = true;
                continue;
            }
            if frame.packet_type() == PacketType::ConnAck && frame.lets_in()? {
                state.window.connected();
                is_anything_accepted = true;
            }
            if let Some(packet_id) = frame.completes()? {
                over.extend(state.window.complete(packet_id));
            }
            outbound.extend_from_slice(&frame.into_bytes());
        }
        over.extend(state.window.take_released(outbound));
        drop(state);

        if is_anything_accepted {
            self.accepted.notify_one();
        }
        Ok(over)
    }

    /// Waits for publishes that the intake is to have; `None` once there will be no more.
    pub(super) async fn accepted(&self) -> Option<VecDeque<Accepted>> {
        loop {
            {
                let mut state = self.state();
                let accepted = state.window.take_accepted();
                if !accepted.is_empty() {
                    return Some(accepted);
                }
                if state.is_closed {
                    return None;
                }
            }
            self.accepted.notified().await;
        }
    }

    /// Makes a delivery of a publish.
    pub(super) fn deliver(self: &Arc<Self>, accepted: Accepted) -> Delivery {
        let link = Arc::clone(self);
        Delivery {
            topic: accepted.publish.topic,
            payload: accepted.publish.payload,
            retained: false,
            receipt: accepted.token.map(|token| Receipt { to: link, token }),
        }
    }

    /// Waits for a commit that lets an acknowledgement leave.
    pub(super) async fn released(&self) {
        self.released.notified().await;
    }

    /// Waits until something has left; may return too often.
    pub(super) async fn eased(&self) {
        self.eased.notified().await;
    }

    /// Closes publishes that are over, and gives back the memory they lay in.
    pub(super) fn finish(&self, load: Load) {
        if load == Load::default() {
            return;
        }
        let mut state = self.state();
        state.window.finish(load);
        let freed = state.memory.as_mut().and_then(|memory| memory.split(load.bytes));
        drop(state);
        drop(freed);
        self.eased.notify_one();
    }

    /// Returns whether the client waits for the acknowledgement of anything.
    pub(super) fn owes_acknowledgements(&self) -> bool {
        self.state().window.owes_acknowledgements()
    }

    /// Returns whether the broker has let the client in.
    pub(super) fn was_let_in(&self) -> bool {
        self.state().window.is_connected()
    }

    /// Returns whether no commit is waited for.
    pub(super) fn is_settled(&self) -> bool {
        self.state().window.is_settled()
    }

    /// Ends the connection's part: acknowledgements that come from here on release nothing.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.window.abandon();
        state.is_closed = true;
        drop(state);
        self.accepted.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
