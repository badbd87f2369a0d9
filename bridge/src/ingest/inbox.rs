//! Where the one writer gets its work: what doors deliver, and what programs submit.

use tokio::sync::mpsc;

use super::delivery::Delivery;
use super::submission::Submission;

/// The most submissions that one commit holds beside its messages.
const SUBMISSIONS_MAX: usize = 4;

/// The writer's end of both queues.
#[derive(Debug)]
pub(crate) struct Inbox {
    /// From the doors.
    pub(crate) deliveries: mpsc::Receiver<Delivery>,
    /// From the API.
    pub(crate) submissions: mpsc::Receiver<Submission>,
}

/// What one commit is made of.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// Messages, in order of receipt.
    pub(crate) deliveries: Vec<Delivery>,
    /// Submissions, in order of receipt.
    pub(crate) submissions: Vec<Submission>,
}

impl Inbox {
    /// Returns the API's end and the writer's. Doors come with [`Inbox::reopen`].
    pub(crate) fn with_room_for(submissions_max: usize) -> (mpsc::Sender<Submission>, Self) {
        // Closed until there are doors.
        let (_, deliveries) = mpsc::channel(1);
        let (submit, submissions) = mpsc::channel(submissions_max);
        (submit, Self { deliveries, submissions })
    }

    /// Waits for work and fills `batch`, which must be empty, with what is there, up to `max`
    /// messages; returns whether there will be more.
    ///
    /// Each queue gives its share, so that neither waits while the other is busy.
    pub(crate) async fn fill(&mut self, batch: &mut Batch, max: usize) -> bool {
        let Batch { deliveries, submissions } = batch;
        tokio::select! {
            received = self.deliveries.recv_many(deliveries, max) => {
                if received == 0 {
                    return false;
                }
            }
            Some(submission) = self.submissions.recv() => submissions.push(submission),
        }
        while deliveries.len() < max
            && let Ok(delivery) = self.deliveries.try_recv()
        {
            deliveries.push(delivery);
        }
        while submissions.len() < SUBMISSIONS_MAX
            && let Ok(submission) = self.submissions.try_recv()
        {
            submissions.push(submission);
        }
        submissions.retain(Submission::is_awaited);
        true
    }

    /// Shuts out the doors so far, with all that waits, and returns the end for new ones.
    pub(crate) fn reopen(&mut self, deliveries_max: usize) -> mpsc::Sender<Delivery> {
        let (deliver, deliveries) = mpsc::channel(deliveries_max);
        self.deliveries = deliveries;
        deliver
    }

    /// Shuts out the doors: what waits was not acknowledged, and nothing more is taken.
    pub(crate) fn close(&mut self) {
        self.deliveries.close();
        self.forget();
    }

    /// Drops everything that waits: nothing of it was acknowledged.
    pub(crate) fn forget(&mut self) {
        while self.deliveries.try_recv().is_ok() {}
        while self.submissions.try_recv().is_ok() {}
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tokio::sync::oneshot;

    use super::*;
    use crate::ingest::submission::Taken;

    fn submission() -> (Submission, oneshot::Receiver<Taken>) {
        let (reply, taken) = oneshot::channel();
        (Submission { events: Vec::new(), reply }, taken)
    }

    fn delivery() -> Delivery {
        let (topic, payload) = ("t".to_owned(), Bytes::new());
        Delivery { topic, payload, retained: false, receipt: None }
    }

    #[tokio::test]
    async fn a_batch_has_a_share_of_both_queues_but_nothing_nobody_waits_for() {
        let (submit, mut inbox) = Inbox::with_room_for(10);
        let deliver = inbox.reopen(10);
        let mut waiting = Vec::new();
        for _ in 0..6 {
            let (submission, taken) = submission();
            submit.send(submission).await.unwrap();
            waiting.push(taken);
            deliver.send(delivery()).await.unwrap();
        }
        drop(waiting.remove(0));
        let mut sizes = Vec::new();
        for _ in 0..2 {
            let mut batch = Batch::default();
            assert!(inbox.fill(&mut batch, 4).await);
            sizes.push((batch.deliveries.len(), batch.submissions.len()));
        }
        assert_eq!(sizes, [(4, 3), (2, 2)]);

        drop(submit);
        deliver.send(delivery()).await.unwrap();
        assert!(inbox.fill(&mut Batch::default(), 4).await, "the doors go on without the API");
        drop(deliver);
        assert!(!inbox.fill(&mut Batch::default(), 4).await);
    }
}
