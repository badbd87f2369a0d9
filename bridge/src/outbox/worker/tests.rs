//! Tests of a worker: a destination that keeps what it is sent, and says what it likes.

use std::sync::Mutex;

use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::*;
use crate::clock::Clock;
use crate::delivery::testing::{Recorder, destination};
use crate::store::Store;
use crate::store::outbox::NewLetter;
use crate::store::outbox_view::{self, LetterFilter, LetterState};
use crate::store::testing::{at, each_backend};
use crate::telemetry::Metrics;

#[derive(Debug)]
struct Moved(Mutex<DateTime<Utc>>);

impl Clock for Moved {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }
}

struct Plant {
    worker: Worker,
    channel: Arc<Recorder>,
    clock: Arc<Moved>,
}

impl Plant {
    fn on(store: &Store) -> Self {
        let (channel, clock) = (Arc::<Recorder>::default(), Arc::new(Moved(Mutex::new(at(0)))));
        let (asks, _) = mpsc::channel(1);
        let as_clock: Arc<dyn Clock> = Arc::<Moved>::clone(&clock);
        let office =
            Office { store: store.clone(), clock: as_clock, metrics: Metrics::new(), asks };
        let there = destination("crm", Arc::<Recorder>::clone(&channel));
        Self {
            worker: Worker { office, destination: Arc::new(there), texts: Arc::default() },
            channel,
            clock,
        }
    }

    fn answers(&self, failures: impl IntoIterator<Item = Failure>) {
        self.channel.answers.lock().unwrap().extend(failures);
    }

    async fn write(&self, store: &Store, key: &str, subject: &str) {
        let letter = NewLetter {
            key: key.to_owned(),
            kind: "task-created".to_owned(),
            subject: subject.to_owned(),
            destination: "crm".to_owned(),
            body: serde_json::json!({ "device": "evse-1" }),
            language: "en".to_owned(),
            recipient: None,
            next_at: at(0),
            digest: None,
        };
        let mut tx = store.begin().await.unwrap();
        store::outbox::insert(&mut tx, at(0), &[letter]).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Works until nothing is left to do at that time; returns the keys that were sent meanwhile.
    async fn work(&self) -> Vec<String> {
        let before = self.channel.sent.lock().unwrap().len();
        while self.worker.step().await.unwrap() {}
        self.channel.sent.lock().unwrap().iter().skip(before).map(|(key, _)| key.clone()).collect()
    }

    fn advance(&self, time: TimeDelta) {
        *self.clock.0.lock().unwrap() += time;
    }
}

async fn states(store: &Store) -> Vec<(LetterState, Option<String>)> {
    let mut rows = outbox_view::page(store, &LetterFilter::default(), None, 50).await.unwrap();
    rows.reverse();
    rows.into_iter().map(|row| (row.state, row.last_error)).collect()
}

fn later(reason: &str) -> Failure {
    Failure::later(reason)
}

#[tokio::test]
async fn a_letter_that_arrived_though_an_error_came_back_is_found_and_not_sent_again() {
    each_backend(async |store| {
        let plant = Plant::on(store);
        plant.write(store, "k1", "t1").await;
        plant.answers([later("it answered 500")]);
        assert_eq!(plant.work().await, ["k1"]);
        assert_eq!(states(store).await, [(LetterState::Waiting, Some("it answered 500".into()))]);
        plant.advance(TimeDelta::seconds(2));
        assert_eq!(plant.work().await, [""; 0], "it was found");
        assert_eq!(states(store).await, [(LetterState::Sent, None)]);
        assert_eq!(plant.channel.records.lock().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn after_a_crash_between_sending_and_writing_it_down_nothing_is_sent_twice() {
    each_backend(async |store| {
        let plant = Plant::on(store);
        plant.write(store, "k1", "t1").await;
        let claimed =
            store::outbox::claim(store, "crm", at(0), at(0) + CLAIM).await.unwrap().unwrap();
        plant.worker.carry(&claimed, at(0)).await.unwrap();
        // The process ends here, and another one begins.
        store::outbox::release(store).await.unwrap();
        plant.work().await;
        assert_eq!(plant.channel.sent.lock().unwrap().len(), 1);
        assert_eq!(states(store).await, [(LetterState::Sent, None)]);
    })
    .await;
}

#[tokio::test]
async fn what_is_refused_is_parked_at_once_and_looked_up_when_a_person_sends_it_again() {
    each_backend(async |store| {
        let plant = Plant::on(store);
        for (key, subject) in [("k1", "t1"), ("k2", "t1"), ("k3", "t2")] {
            plant.write(store, key, subject).await;
        }
        plant.answers([Failure::refused("it answered 400: no currency")]);
        assert_eq!(plant.work().await, ["k1", "k3"], "k2 waits behind k1");
        let refused = Some("it answered 400: no currency".to_owned());
        let expected = [
            (LetterState::Parked, refused),
            (LetterState::Waiting, None),
            (LetterState::Sent, None),
        ];
        assert_eq!(states(store).await, expected);

        // The other side kept what it refused.
        let first = outbox_view::of_subject(store, "t1", 1).await.unwrap().remove(0);
        let parked = first.id - i64::from(first.key == "k2");
        assert!(store::outbox::retry(store, parked, at(0)).await.unwrap());
        assert_eq!(plant.work().await, ["k2"]);
        assert!(states(store).await.iter().all(|(state, _)| *state == LetterState::Sent));
        let remote = plant.channel.records.lock().unwrap()["k2"].remote.clone();
        assert_eq!(remote.as_deref(), Some("r-t1"), "later letters name the record");
    })
    .await;
}

#[tokio::test]
async fn after_as_many_tries_as_the_destination_says_a_letter_waits_for_a_person() {
    each_backend(async |store| {
        let plant = Plant::on(store);
        plant.write(store, "k1", "t1").await;
        for _ in 0..3 {
            plant.channel.records.lock().unwrap().clear();
            plant.answers([later("no answer")]);
            plant.work().await;
            plant.advance(TimeDelta::hours(1));
        }
        let words = "given up after 3 tries; the last time no answer".to_owned();
        assert_eq!(states(store).await, [(LetterState::Parked, Some(words))]);
        assert_eq!(plant.channel.sent.lock().unwrap().len(), 3);
        let state = store::destination::find(store, "crm").await.unwrap();
        assert_eq!((state.failures, state.last_error.as_deref()), (3, Some("no answer")));
    })
    .await;
}

#[tokio::test]
async fn one_letter_tries_a_destination_that_failed_often_and_the_others_follow_it() {
    each_backend(async |store| {
        let plant = Plant::on(store);
        for number in 0..5 {
            plant.write(store, &format!("k{number}"), &format!("t{number}")).await;
        }
        plant.answers((0..4).map(|_| later("no answer")));
        assert_eq!(plant.work().await.len(), 3, "then the circuit is open");
        plant.advance(TimeDelta::seconds(30));
        assert_eq!(plant.work().await.len(), 1, "one tries, in vain");
        // Another process knows it too.
        let other = Plant::on(store);
        other.advance(TimeDelta::seconds(31));
        assert_eq!(other.work().await, [""; 0]);

        plant.advance(TimeDelta::minutes(6));
        plant.work().await;
        assert!(states(store).await.iter().all(|(state, _)| *state == LetterState::Sent));
        assert_eq!(plant.channel.records.lock().unwrap().len(), 5);
    })
    .await;
}

#[tokio::test]
async fn a_destination_is_left_alone_as_long_as_it_asks() {
    each_backend(async |store| {
        let plant = Plant::on(store);
        plant.write(store, "k1", "t1").await;
        plant.write(store, "k2", "t2").await;
        let after = Some(Duration::from_secs(90));
        plant.answers([Failure::Later { reason: "it answered 429".to_owned(), after }]);
        assert_eq!(plant.work().await, ["k1"]);
        plant.advance(TimeDelta::seconds(89));
        assert_eq!(plant.work().await, [""; 0]);
        plant.advance(TimeDelta::seconds(1));
        assert_eq!(plant.work().await, ["k2"], "k1 is found");
    })
    .await;
}

#[tokio::test]
async fn a_destination_that_wants_no_letters_gets_none_until_a_person_turns_it_on() {
    each_backend(async |store| {
        let plant = Plant::on(store);
        plant.write(store, "k1", "t1").await;
        plant.answers([Failure::Off { reason: "it answered 410".to_owned() }]);
        plant.work().await;
        plant.channel.records.lock().unwrap().clear();
        plant.advance(TimeDelta::days(30));
        // Also after a restart.
        assert_eq!(plant.work().await, [""; 0]);
        let state = store::destination::find(store, "crm").await.unwrap();
        assert_eq!(Circuit::of(&state, at(0)), Circuit::Off);
        assert_eq!(states(store).await[0].0, LetterState::Waiting, "nothing is lost");

        store::destination::turn_on(store, "crm").await.unwrap();
        assert_eq!(plant.work().await, ["k1"]);
        assert_eq!(states(store).await, [(LetterState::Sent, None)]);
    })
    .await;
}

#[tokio::test]
async fn a_worker_that_sleeps_is_woken_by_the_commit_and_by_a_letters_time() {
    each_backend(async |store| {
        let plant = Plant::on(store);
        let (channel, clock) = (Arc::clone(&plant.channel), Arc::clone(&plant.clock));
        let sent = async |count: usize| {
            while channel.sent.lock().unwrap().len() < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let due = store::outbox::due(store, at(0)).await.unwrap();
        assert_eq!(due, [""; 0]);
        plant.write(store, "k0", "t0").await;
        assert_eq!(store::outbox::due(store, at(0)).await.unwrap(), ["crm"]);
        let (leave, stop) = (CancellationToken::new(), CancellationToken::new());
        let Plant { worker, .. } = plant;
        let running = TaskTracker::new().spawn(worker.run(leave.clone(), stop));
        tokio::time::timeout(CALL_MAX, sent(1)).await.unwrap();

        let writer = Plant::on(store);
        writer.write(store, "k1", "t1").await;
        tokio::time::timeout(CALL_MAX, sent(2)).await.unwrap();

        // Parked or sent, it goes out again once somebody says so.
        while !store::outbox::retry(store, 2, at(0)).await.unwrap() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        while !outbox_view::queues(store).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }

        *clock.0.lock().unwrap() = at(0) - TimeDelta::milliseconds(50);
        writer.write(store, "k2", "t2").await;
        assert_eq!(store::outbox::next_due(store, "crm", clock.now()).await.unwrap(), Some(at(0)));
        *clock.0.lock().unwrap() = at(0);
        tokio::time::timeout(CALL_MAX, sent(3)).await.unwrap();
        leave.cancel();
        running.await.unwrap();
    })
    .await;
}
