//! What a door hands to the runtime, and how it learns that the commit is durable.

use std::fmt::Debug;
use std::sync::Arc;

use bytes::Bytes;

/// Takes the acknowledgement of deliveries, from any thread; must not block.
pub(crate) trait Acknowledge: Debug + Send + Sync {
    /// Releases the delivery that was handed over under `token`: its commit is durable.
    fn acknowledge(&self, token: u64);
}

/// One message on its way in.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// The topic it was published to.
    pub(crate) topic: String,
    /// Its bytes.
    pub(crate) payload: Bytes,
    /// Whether a broker replayed it from before the subscription: a state, not an event.
    pub(crate) retained: bool,
    /// How to acknowledge it; `None` where the sender waits for nothing (QoS 0).
    pub(crate) receipt: Option<Receipt>,
}

/// The means to acknowledge one delivery.
#[derive(Debug)]
pub(crate) struct Receipt {
    /// Who waits for it.
    pub(crate) to: Arc<dyn Acknowledge>,
    /// What it is called there.
    pub(crate) token: u64,
}

impl Delivery {
    /// Tells the sender that the message is kept for good.
    pub(crate) fn acknowledge(mut self) {
        self.acknowledge_early();
    }

    /// Tells the sender the same, whether it is true or not; once.
    pub(crate) fn acknowledge_early(&mut self) {
        if let Some(receipt) = self.receipt.take() {
            receipt.to.acknowledge(receipt.token);
        }
    }
}
