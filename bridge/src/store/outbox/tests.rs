//! Tests of the outbox on both databases.

use chrono::TimeDelta;
use serde_json::json;

use super::super::outbox_view::{self, LetterFilter, LetterState, Queue};
use super::super::testing::{at, each_backend};
use super::super::{digest, remote_record};
use super::*;

fn letter(key: &str, subject: &str) -> NewLetter {
    NewLetter {
        key: key.to_owned(),
        kind: "task-created".to_owned(),
        subject: subject.to_owned(),
        destination: "crm".to_owned(),
        body: json!({ "n": 1 }),
        language: "en".to_owned(),
        recipient: None,
        next_at: at(0),
        digest: None,
    }
}

async fn insert_all(store: &Store, letters: &[NewLetter]) {
    let mut tx = store.begin().await.unwrap();
    insert(&mut tx, at(0), letters).await.unwrap();
    tx.commit().await.unwrap();
}

async fn claim_at(store: &Store, minutes: i64) -> Option<Letter> {
    claim(store, "crm", at(minutes), at(minutes + 3)).await.unwrap()
}

async fn states(store: &Store) -> Vec<(String, LetterState)> {
    let mut rows = outbox_view::page(store, &LetterFilter::default(), None, 50).await.unwrap();
    rows.reverse();
    rows.into_iter().map(|row| (row.key, row.state)).collect()
}

fn state(key: &str, state: LetterState) -> (String, LetterState) {
    (key.to_owned(), state)
}

#[tokio::test]
async fn a_cause_makes_one_letter_however_often_it_is_told() {
    each_backend(async |store| {
        insert_all(store, &[letter("k1", "t1")]).await;
        insert_all(store, &[NewLetter { body: json!({ "n": 2 }), ..letter("k1", "t1") }]).await;
        let claimed = claim_at(store, 0).await.unwrap();
        assert_eq!(claimed.body, json!({ "n": 1 }), "the first one stays");
        assert_eq!((claimed.begun, claimed.attempts), (1, 0));
        assert_eq!(claim_at(store, 0).await, None, "it is claimed");
    })
    .await;
}

#[tokio::test]
async fn letters_of_one_task_go_one_after_the_other_and_others_pass_them() {
    each_backend(async |store| {
        let elsewhere = NewLetter { destination: "erp".to_owned(), ..letter("e1", "t1") };
        let later = NewLetter { next_at: at(5), ..letter("later", "t3") };
        insert_all(
            store,
            &[letter("a1", "t1"), letter("a2", "t1"), letter("b1", "t2"), elsewhere, later],
        )
        .await;
        let first = claim_at(store, 0).await.unwrap();
        let second = claim_at(store, 0).await.unwrap();
        assert_eq!((&*first.key, &*second.key), ("a1", "b1"));
        assert_eq!(claim_at(store, 0).await, None, "a2 waits for a1, the last one for its time");

        park(store, &first, "refused").await.unwrap();
        mark_sent(store, ("crm", &second), at(1), Arrived::default()).await.unwrap();
        assert_eq!(claim_at(store, 1).await, None, "a parked letter keeps those behind it");
        let elsewhere = claim(store, "erp", at(1), at(4)).await.unwrap().unwrap();
        assert_eq!(elsewhere.key, "e1", "but not those to others");

        assert!(give_up(store, first.id, "given up", at(1)).await.unwrap());
        assert_eq!(claim_at(store, 1).await.unwrap().key, "a2");
        assert_eq!(claim_at(store, 5).await.unwrap().key, "a2", "the claim is over");
        assert_eq!(claim_at(store, 5).await.unwrap().key, "later");
    })
    .await;
}

#[tokio::test]
async fn what_was_begun_is_known_to_have_been_after_a_crash_and_a_retry() {
    each_backend(async |store| {
        insert_all(store, &[letter("k1", "t1")]).await;
        let lost = claim_at(store, 0).await.unwrap();
        release(store).await.unwrap();
        let again = claim_at(store, 0).await.unwrap();
        assert_eq!((again.id, again.begun), (lost.id, 2));

        mark_failed(store, &again, "no answer", at(9)).await.unwrap();
        assert_eq!(claim_at(store, 8).await, None);
        let third = claim_at(store, 9).await.unwrap();
        assert_eq!((third.attempts, third.begun), (1, 3));
        // Whoever lost the claim says nothing any more.
        mark_sent(store, ("crm", &again), at(9), Arrived::default()).await.unwrap();
        park(store, &third, "refused").await.unwrap();
        assert_eq!(states(store).await, [state("k1", LetterState::Parked)]);

        assert!(retry(store, third.id, at(10)).await.unwrap());
        let fourth = claim_at(store, 10).await.unwrap();
        assert_eq!((fourth.attempts, fourth.begun), (0, 4), "a person looked");
        assert!(!retry(store, fourth.id, at(10)).await.unwrap(), "it is being sent");
        assert!(!give_up(store, fourth.id, "no", at(10)).await.unwrap(), "it is being sent");
    })
    .await;
}

#[tokio::test]
async fn the_record_there_is_known_to_later_letters() {
    each_backend(async |store| {
        insert_all(store, &[letter("k1", "t1"), letter("k2", "t1")]).await;
        let first = claim_at(store, 0).await.unwrap();
        assert_eq!(first.remote, None);
        let arrived = Arrived { remote: Some("77"), url: Some("https://crm.example/77") };
        mark_sent(store, ("crm", &first), at(1), arrived).await.unwrap();
        let second = claim_at(store, 1).await.unwrap();
        assert_eq!(second.remote.as_deref(), Some("77"));
        mark_sent(store, ("crm", &second), at(2), Arrived::default()).await.unwrap();

        let rows = outbox_view::of_subject(store, "t1", 9).await.unwrap();
        let told: Vec<_> = rows.iter().map(|row| (row.state, row.remote.as_deref())).collect();
        assert_eq!(told, [(LetterState::Sent, Some("77")); 2]);
        let found = remote_record::find_subject(store, "crm", "77").await.unwrap();
        assert_eq!(found.as_deref(), Some("t1"));
        let found = remote_record::find_subject(store, "erp", "77").await.unwrap();
        assert_eq!(found, None);
    })
    .await;
}

#[tokio::test]
async fn what_nobody_was_told_is_taken_back_and_what_somebody_was_is_not() {
    each_backend(async |store| {
        insert_all(store, &[letter("a1", "t1"), letter("b1", "t2")]).await;
        let told = claim_at(store, 0).await.unwrap();
        assert_eq!(told.key, "a1");
        let cases = [("t1", false), ("t2", true), ("t2", true), ("t3", false)];
        for (subject, was_silent) in cases {
            let mut tx = store.begin().await.unwrap();
            let taken = take_back(&mut tx, ("crm", subject), "withdrawn").await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(taken, was_silent, "case: {subject}");
        }
        let expected = [state("a1", LetterState::Waiting), state("b1", LetterState::Dropped)];
        assert_eq!(states(store).await, expected);

        // Withdrawn, and withdrawn again without being told of in between.
        mark_sent(store, ("crm", &told), at(1), Arrived::default()).await.unwrap();
        let revoked = NewLetter { kind: "task-withdrawn".to_owned(), ..letter("a2", "t1") };
        insert_all(store, &[revoked]).await;
        let revoked = claim_at(store, 1).await.unwrap();
        mark_sent(store, ("crm", &revoked), at(1), Arrived::default()).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        assert!(take_back(&mut tx, ("crm", "t1"), "withdrawn").await.unwrap());
        tx.commit().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_is_not_told_yet_says_the_newest_and_what_is_being_told_does_not_change() {
    each_backend(async |store| {
        insert_all(store, &[letter("a1", "t1")]).await;
        let newer = json!({ "n": 2 });
        let renewed = async |body: &Value| {
            let mut tx = store.begin().await.unwrap();
            let renewed = renew(&mut tx, ("crm", "t1"), body).await.unwrap();
            tx.commit().await.unwrap();
            renewed
        };
        assert!(renewed(&newer).await);
        assert_eq!(claim_at(store, 0).await.unwrap().body, newer);
        assert!(!renewed(&json!({ "n": 3 })).await);
    })
    .await;
}

#[tokio::test]
async fn collected_letters_go_out_as_one_with_one_key() {
    each_backend(async |store| {
        let collected = |key: &str, subject: &str| NewLetter {
            digest: Some("digest-key".to_owned()),
            next_at: at(30),
            ..letter(key, subject)
        };
        insert_all(store, &[collected("a1", "t1"), collected("b1", "t2")]).await;
        assert!(!digest::collect(store, "crm", at(29)).await.unwrap());
        assert_eq!(claim_at(store, 29).await, None);
        let queue = Queue { waiting: 2, parked: 0, oldest_at: Some(at(0)) };
        assert_eq!(outbox_view::queues(store).await.unwrap(), [("crm".to_owned(), queue)]);

        assert!(digest::collect(store, "crm", at(30)).await.unwrap());
        assert!(!digest::collect(store, "crm", at(30)).await.unwrap());
        let one = claim_at(store, 30).await.unwrap();
        assert_eq!((&*one.key, &*one.kind), ("digest-key", "digest"));
        assert_eq!(one.body["count"], 2);
        assert_eq!(one.body["letters"][1]["task"], "t2");
        assert_eq!(claim_at(store, 30).await, None);

        // One that comes too late for it goes by itself.
        insert_all(store, &[collected("c1", "t3")]).await;
        assert!(digest::collect(store, "crm", at(31)).await.unwrap());
        assert_eq!(claim_at(store, 31).await.unwrap().key, "c1");
    })
    .await;
}

#[tokio::test]
async fn lists_show_what_was_asked_for_newest_first() {
    each_backend(async |store| {
        let elsewhere = NewLetter { destination: "erp".to_owned(), ..letter("e1", "t1") };
        insert_all(store, &[letter("a1", "t1"), letter("b1", "t2"), elsewhere]).await;
        let first = claim_at(store, 0).await.unwrap();
        park(store, &first, "refused").await.unwrap();
        let some = |text: &str| Some(text.to_owned());
        let cases = [
            (LetterFilter::default(), vec!["e1", "b1", "a1"]),
            (
                LetterFilter { destination: some("crm"), ..LetterFilter::default() },
                vec!["b1", "a1"],
            ),
            (LetterFilter { subject: some("t1"), ..LetterFilter::default() }, vec!["e1", "a1"]),
            (
                LetterFilter { state: Some(LetterState::Parked), ..LetterFilter::default() },
                vec!["a1"],
            ),
        ];
        for (filter, expected) in cases {
            let rows = outbox_view::page(store, &filter, None, 9).await.unwrap();
            let keys: Vec<_> = rows.iter().map(|row| &*row.key).collect();
            assert_eq!(keys, expected, "case: {filter:?}");
        }
        let row = outbox_view::find(store, first.id).await.unwrap().unwrap();
        assert_eq!((row.last_error.as_deref(), row.attempts), (Some("refused"), 1));
        assert_eq!(outbox_view::find(store, first.id + 99).await.unwrap(), None);
        assert!(TimeDelta::zero() <= row.next_at - row.created_at);
    })
    .await;
}
