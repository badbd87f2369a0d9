//! Sets come into force, are decided about, and go.

use super::*;
use crate::store::testing::{at, each_backend};

fn set(digest: &str, fetched_s: i64) -> NewSet {
    let document = Document { address: "https://ecb.example/".to_owned(), bytes: b"x\0y".into() };
    NewSet {
        feed: "ecb".to_owned(),
        run: 1,
        fetched_at: at(fetched_s),
        digest: digest.to_owned(),
        kind: "ecb",
        settings: "{}".to_owned(),
        reasons: vec!["it \0 jumps".to_owned()],
        validators: "{}".to_owned(),
        configured_by: vec!["ana".to_owned()],
        facts: 3,
        documents: vec![Packed::pack(&document).unwrap()],
    }
}

async fn put(store: &Store, new: &NewSet) -> i64 {
    let mut tx = store.begin().await.unwrap();
    let id = insert(&mut tx, new, SetState::Held).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn switch(store: &Store, id: i64, against: Option<i64>, position: Position) -> bool {
    let mut tx = store.begin().await.unwrap();
    let is_active = activate(&mut tx, (id, against), (position, at(100))).await.unwrap();
    tx.commit().await.unwrap();
    is_active
}

#[tokio::test]
async fn a_set_comes_into_force_in_the_place_of_the_one_it_was_compared_with_and_no_other() {
    each_backend(async |store| {
        let first = put(store, &set("a", 10)).await;
        assert!(switch(store, first, None, 5).await);
        let older = put(store, &set("b", 9)).await;
        assert!(!switch(store, older, Some(first), 6).await, "it was fetched before");
        let second = put(store, &set("c", 20)).await;
        assert!(!switch(store, second, None, 7).await, "another is in force");
        assert!(switch(store, second, Some(first), 7).await);
        assert!(!switch(store, first, Some(second), 8).await, "it waits no more");

        let found = in_force(store, "ecb").await.unwrap().unwrap();
        assert_eq!((found.id, found.active_position), (second, Some(7)));
        assert_eq!(active(store).await.unwrap(), [found]);
        for (position, expected) in
            [(5, None), (6, Some(first)), (7, Some(first)), (8, Some(second))]
        {
            let found = as_of(store, "ecb", position).await.unwrap().map(|set| set.id);
            assert_eq!(found, expected, "case: {position}");
        }
        let kept = documents(store, second).await.unwrap();
        assert_eq!(kept[0].bytes, b"x\0y");
    })
    .await;
}

#[tokio::test]
async fn what_is_held_waits_for_one_decision_and_old_sets_go() {
    each_backend(async |store| {
        let held_set = put(store, &set("a", 10)).await;
        assert_eq!(held(store).await.unwrap(), ["ecb"]);
        for expected in [Some("ecb"), None] {
            let mut tx = store.begin().await.unwrap();
            let to = (held_set, SetState::Rejected);
            let feed = decide(&mut tx, to, ("bo", at(30))).await.unwrap();
            assert_eq!(feed.as_deref(), expected);
            tx.commit().await.unwrap();
        }
        let found = with_digest(store, "ecb", "a").await.unwrap().unwrap();
        assert_eq!((found.state, found.decided_by.as_deref()), (SetState::Rejected, Some("bo")));
        for number in 0..=KEPT {
            put(store, &set(&number.to_string(), 40)).await;
        }
        assert_eq!(find(store, held_set).await.unwrap(), None);
        assert_eq!(documents(store, held_set).await.unwrap(), []);
        assert_eq!(i64::try_from(of_feed(store, "ecb", 200).await.unwrap().len()), Ok(KEPT));
    })
    .await;
}
