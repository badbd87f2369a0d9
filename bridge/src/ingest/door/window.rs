//! The publishes of one connection between their arrival and their acknowledgement.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// What the broker says to a publish before the client may hear it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// PUBACK with this packet id.
    Puback(u16),
    /// PUBREC with this packet id.
    Pubrec(u16),
}

/// A publish as the client sent it.
#[derive(Debug)]
pub(super) struct Publish {
    /// What the broker will say to it; nothing at `QoS` 0.
    pub(super) awaits: Option<Word>,
    pub(super) topic: String,
    pub(super) payload: Bytes,
    /// Bytes of the whole packet.
    pub(super) size: usize,
}

/// A publish that the broker accepted, on its way to the intake.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) publish: Publish,
    /// Under which its acknowledgement is held; nothing is held at `QoS` 0.
    pub(super) token: Option<u64>,
}

/// Publishes that are over, or room for more of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) publishes: usize,
    pub(super) bytes: usize,
}

impl Load {
    /// Adds one publish.
    pub(super) fn add(&mut self, size: usize) {
        self.publishes += 1;
        self.bytes += size;
    }

    /// Adds another load.
    pub(super) fn extend(&mut self, other: Self) {
        self.publishes += other.publishes;
        self.bytes += other.bytes;
    }
}

/// Keeps the order of one connection: publishes go to the intake, and acknowledgements to the
/// client, in the order in which the client published.
///
/// A publish passes through three queues: *awaiting* the broker's word, *accepted* for the
/// intake, and *held* until the commit. It counts as open until its acknowledgement is written
/// to the client (`QoS` 0: until the intake has it; `QoS` 2: until the broker has let go of it),
/// which is what bounds all three.
#[derive(Debug, Default)]
pub(super) struct Window {
    is_connected: bool,
    awaiting: VecDeque<Publish>,
    accepted: VecDeque<Accepted>,
    held: VecDeque<Held>,
    // Packet id and size of what the broker keeps between PUBREC and PUBCOMP.
    completing: VecDeque<(u16, usize)>,
    // The token of the first in `held`; the others follow without a gap.
    first_token: u64,
    open: Load,
}

#[derive(Debug)]
struct Held {
    acknowledgement: Bytes,
    // At QoS 2 the publish is over only when this packet id is.
    completes: Option<u16>,
    size: usize,
    is_released: bool,
}

impl Window {
    /// Returns what is under way.
    pub(super) fn open(&self) -> Load {
        self.open
    }

    /// Returns whether the broker has let the client in.
    pub(super) fn is_connected(&self) -> bool {
        self.is_connected
    }

    /// Returns whether the client waits for the acknowledgement of anything.
    pub(super) fn owes_acknowledgements(&self) -> bool {
        !self.held.is_empty() || self.awaiting.iter().any(|publish| publish.awaits.is_some())
    }

    /// Takes a publish that is about to be forwarded to the broker.
    pub(super) fn forward(&mut self, publish: Publish) {
        self.open.add(publish.size);
        self.awaiting.push_back(publish);
        self.accept_front();
    }

    /// Lets the publishes through that came before the broker let the client in.
    pub(super) fn connected(&mut self) {
        self.is_connected = true;
        self.accept_front();
    }

    /// Takes the broker's word on a publish; returns whether there is such a publish.
    pub(super) fn answer(&mut self, word: Word, is_accepted: bool, acknowledgement: Bytes) -> bool {
        // The first, as a rule: a broker answers in order.
        let place = self.awaiting.iter().position(|publish| publish.awaits == Some(word));
        let Some(publish) = place.and_then(|place| self.awaiting.remove(place)) else {
            return false;
        };

        let token = self.first_token + self.held.len() as u64;
        self.held.push_back(Held {
            acknowledgement,
            completes: match word {
                Word::Pubrec(id) if is_accepted => Some(id),
                Word::Pubrec(_) | Word::Puback(_) => None,
            },
            size: publish.size,
            is_released: !is_accepted,
        });
        if is_accepted {
            self.accepted.push_back(Accepted { publish, token: Some(token) });
        }
        self.accept_front();
        true
    }

    /// Takes what is to be handed to the intake.
    pub(super) fn take_accepted(&mut self) -> VecDeque<Accepted> {
        std::mem::take(&mut self.accepted)
    }

    /// Takes the commit of a publish; returns whether an acknowledgement may leave.
    pub(super) fn release(&mut self, token: u64) -> bool {
        // A token from before the connection was closed names nothing any more.
        let place =
            token.checked_sub(self.first_token).and_then(|place| usize::try_from(place).ok());
        let Some(held) = place.and_then(|place| self.held.get_mut(place)) else {
            return false;
        };
        held.is_released = true;
        place == Some(0)
    }

    /// Moves the acknowledgements that may leave to `out`; they stay open until
    /// [`Window::finish`].
    pub(super) fn take_released(&mut self, out: &mut BytesMut) -> Load {
        let mut taken = Load::default();
        while let Some(held) = self.held.pop_front_if(|held| held.is_released) {
            out.extend_from_slice(&held.acknowledgement);
            self.first_token += 1;
            match held.completes {
                Some(id) => self.completing.push_back((id, held.size)),
                None => taken.add(held.size),
            }
        }
        taken
    }

    /// Takes the broker's PUBCOMP, and returns what is over by it.
    pub(super) fn complete(&mut self, packet_id: u16) -> Load {
        let mut over = Load::default();
        self.completing.retain(|(id, size)| {
            let is_over = *id == packet_id;
            if is_over {
                over.add(*size);
            }
            !is_over
        });
        over
    }

    /// Returns whether no commit is waited for, and everything that is committed is said.
    pub(super) fn is_settled(&self) -> bool {
        self.open.publishes <= self.completing.len()
    }

    /// Closes publishes that are over.
    pub(super) fn finish(&mut self, load: Load) {
        self.open.publishes = self.open.publishes.saturating_sub(load.publishes);
        self.open.bytes = self.open.bytes.saturating_sub(load.bytes);
    }

    /// Forgets what can no longer be acknowledged, since the connection is gone. What the
    /// broker accepted stays for the intake.
    pub(super) fn abandon(&mut self) {
        self.awaiting.clear();
        self.first_token += self.held.len() as u64;
        self.held.clear();
    }

    // Nobody answers a publish at QoS 0: it goes on once all before it are answered.
    fn accept_front(&mut self) {
        if !self.is_connected {
            return;
        }
        while let Some(publish) = self.awaiting.pop_front_if(|publish| publish.awaits.is_none()) {
            self.accepted.push_back(Accepted { publish, token: None });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publish(awaits: Option<Word>) -> Publish {
        Publish { awaits, topic: "t".to_owned(), payload: Bytes::new(), size: 10 }
    }

    fn connected(publishes: &[Option<Word>]) -> Window {
        let mut window = Window::default();
        window.connected();
        for awaits in publishes {
            window.forward(publish(*awaits));
        }
        window
    }

    fn released(window: &mut Window) -> Vec<u8> {
        let mut out = BytesMut::new();
        let load = window.take_released(&mut out);
        window.finish(load);
        out.to_vec()
    }

    #[test]
    fn acknowledgements_leave_in_order_whatever_the_order_of_commits() {
        let words = [Word::Puback(7), Word::Pubrec(8), Word::Puback(9)];
        let mut window = connected(&words.map(Some));
        for (mark, word) in (1..).zip(words) {
            assert!(window.answer(word, true, Bytes::from(vec![mark])));
        }

        assert!(!window.release(2));
        assert!(!window.release(1));
        assert_eq!(released(&mut window), [0_u8; 0]);
        assert!(window.release(0));
        assert_eq!(released(&mut window), [1, 2, 3]);
        assert!(window.is_settled());
    }

    #[test]
    fn a_refused_publish_is_answered_in_its_place_and_never_accepted() {
        let mut window = connected(&[Some(Word::Puback(1)), Some(Word::Puback(2))]);
        window.answer(Word::Puback(1), true, Bytes::from_static(&[1]));
        window.answer(Word::Puback(2), false, Bytes::from_static(&[2]));

        assert_eq!(window.take_accepted().len(), 1);
        assert_eq!(released(&mut window), [0_u8; 0]);
        window.release(0);
        assert_eq!(released(&mut window), [1, 2]);
    }

    #[test]
    fn a_publish_without_answer_keeps_its_place_among_the_others() {
        let mut window = connected(&[Some(Word::Puback(1)), None]);
        assert!(window.take_accepted().is_empty());
        window.answer(Word::Puback(1), true, Bytes::new());
        let tokens: Vec<_> = window.take_accepted().iter().map(|accepted| accepted.token).collect();
        assert_eq!(tokens, [Some(0), None]);
    }

    #[test]
    fn a_publish_exactly_once_takes_room_until_the_broker_completes_it() {
        let mut window = connected(&[Some(Word::Pubrec(7))]);
        window.answer(Word::Pubrec(7), true, Bytes::from_static(&[1]));
        window.release(0);
        assert!(!window.is_settled());
        assert_eq!(released(&mut window), [1]);
        assert!(window.is_settled());
        assert_eq!(window.open(), Load { publishes: 1, bytes: 10 });
        let over = window.complete(7);
        window.finish(over);
        assert_eq!(window.open(), Load::default());
    }

    #[test]
    fn nothing_is_accepted_before_the_client_is_let_in() {
        let mut window = Window::default();
        window.forward(publish(None));
        assert!(window.take_accepted().is_empty());
        window.connected();
        assert_eq!(window.take_accepted().len(), 1);
    }

    #[test]
    fn tokens_from_before_the_end_release_nothing() {
        let mut window = connected(&[Some(Word::Puback(1))]);
        window.answer(Word::Puback(1), true, Bytes::from_static(&[1]));
        window.abandon();
        assert!(!window.release(0));
        assert_eq!(released(&mut window), [0_u8; 0]);
    }
}
