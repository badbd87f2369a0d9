//! What lists and counts of tasks show, on both databases.

use upturn_core::task::life::Refusal;

use super::*;
use crate::runtime::deed::{Deed, Outcome, Words};
use crate::store::task;
use crate::store::testing::{act, at, each_backend, execute, task as sample};

fn ids(rows: &[TaskRow]) -> Vec<&str> {
    rows.iter().map(|row| row.id.as_str()).collect()
}

/// Stores `(id, device, minutes, owner)`.
async fn store_tasks(store: &Store, tasks: &[(&str, &str, i64, &str)]) {
    let mut tx = store.begin().await.unwrap();
    for (id, device, minutes, owner) in tasks {
        let mut task = sample(id, device, *minutes);
        task.owner = (*owner).into();
        assert!(task::create(&mut tx, &task).await.unwrap());
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn pages_do_not_shift_when_tasks_are_made_in_between() {
    each_backend(async |store| {
        let tasks = [
            ("a", "d1", 1, "lin"),
            ("b", "d2", 2, "lin"),
            ("c", "d3", 2, "lin"),
            ("d", "d4", 2, "lin"),
            ("e", "d5", 3, "lin"),
        ];
        store_tasks(store, &tasks).await;
        let filter = TaskFilter::default();
        let first = page(store, &Sight::All, &filter, None, 2).await.unwrap();
        assert_eq!(ids(&first.rows), ["e", "d"]);

        store_tasks(store, &[("new", "d6", 9, "lin")]).await;
        let after = first.next.unwrap().to_string().parse().unwrap();
        let second = page(store, &Sight::All, &filter, Some(&after), 2).await.unwrap();
        assert_eq!(ids(&second.rows), ["c", "b"]);
        let third = page(store, &Sight::All, &filter, second.next.as_ref(), 2).await.unwrap();
        assert_eq!(ids(&third.rows), ["a"]);
        assert_eq!(third.next, None);

        let all = page(store, &Sight::All, &filter, None, 6).await.unwrap();
        assert_eq!((all.rows.len(), all.next), (6, None), "a page that is just full");
    })
    .await;
}

#[tokio::test]
async fn a_list_shows_what_the_filter_lets_through() {
    each_backend(async |store| {
        let tasks = [("a", "d1", 1, "lin"), ("b", "d2", 2, "pool:ev"), ("c", "d1", 3, "pool:ev")];
        store_tasks(store, &tasks).await;
        store_tasks(store, &[("gone", "d1", 4, "lin")]).await;
        let mut tx = store.begin().await.unwrap();
        task::withdraw(&mut tx, &TaskId::from_text("gone"), at(5)).await.unwrap();
        tx.commit().await.unwrap();

        let all = TaskFilter::default;
        let of = |owner: &str| OwnerFilter::Is(owner.to_owned());
        let cases: [(TaskFilter, &[&str]); 8] = [
            (all(), &["c", "b", "a"]),
            (TaskFilter { state: StateFilter::Withdrawn, ..all() }, &["gone"]),
            (TaskFilter { owner: of("pool:ev"), ..all() }, &["c", "b"]),
            (TaskFilter { owner: OwnerFilter::Pools, ..all() }, &["c", "b"]),
            (TaskFilter { due: DueFilter::Before(at(122)), ..all() }, &["a"]),
            (TaskFilter { due: DueFilter::Between(at(122), at(123)), ..all() }, &["b"]),
            (TaskFilter { due: DueFilter::FromOrNever(at(122)), ..all() }, &["c", "b"]),
            (TaskFilter { owner: of("l\0n' OR 1=1 --"), ..all() }, &[]),
        ];
        for (filter, expected) in cases {
            let found = page(store, &Sight::All, &filter, None, 10).await.unwrap();
            assert_eq!(ids(&found.rows), expected, "case: {filter:?}");
            let after = TaskCursor { created_at: i64::MAX, id: "z".to_owned() };
            let found = page(store, &Sight::All, &filter, Some(&after), 10).await.unwrap();
            assert_eq!(ids(&found.rows), expected, "case: {filter:?} with a cursor");
        }
    })
    .await;
}

#[tokio::test]
async fn standing_tasks_come_by_device_and_time() {
    each_backend(async |store| {
        let tasks = [
            ("a", "d2", 5, "lin"),
            ("b", "d1", 9, "lin"),
            ("c", "d1", 3, "lin"),
            ("d", "D3", 1, "lin"),
        ];
        store_tasks(store, &tasks).await;
        let rows = standing(store).await.unwrap();
        assert_eq!(ids(&rows), ["d", "c", "b", "a"]);
        let evidence = rows.iter().map(|row| row.evidence.len()).collect::<Vec<_>>();
        assert_eq!(evidence, [3, 3, 3, 3]);
    })
    .await;
}

#[tokio::test]
async fn counts_what_is_overdue_and_what_is_due_today() {
    each_backend(async |store| {
        // Each is due two hours after its minute.
        let tasks = [
            ("a", "d1", 0, "lin"),
            ("b", "d2", 1, "lin"),
            ("c", "d3", 2, "lin"),
            ("d", "d4", 3, "lin"),
        ];
        store_tasks(store, &tasks).await;
        let mut undated = sample("e", "d5", 0);
        undated.due_at = None;
        let mut tx = store.begin().await.unwrap();
        task::create(&mut tx, &undated).await.unwrap();
        task::withdraw(&mut tx, &TaskId::from_text("d"), at(5)).await.unwrap();
        tx.commit().await.unwrap();

        let cases = [(0, 0, 3), (120, 0, 3), (121, 1, 2), (122, 2, 1), (200, 3, 0)];
        for (now, overdue, due_today) in cases {
            let today = Today { now: at(now), ends_at: at(600) };
            let counted = counts(store, &Sight::All, &OwnerFilter::Anyone, today).await.unwrap();
            let expected = TaskCounts { all: 4, overdue, due_today, snoozed: 0, withdrawn: 1 };
            assert_eq!(counted, expected, "case: at {now}");
        }
        let today = Today { now: at(120), ends_at: at(122) };
        let counted = counts(store, &Sight::All, &OwnerFilter::Anyone, today).await.unwrap();
        assert_eq!(counted.due_today, 2, "the last is due when the day has ended");
        let counted = counts(store, &Sight::All, &OwnerFilter::Pools, today).await.unwrap();
        assert_eq!(counted, TaskCounts::default(), "no pool has any");
    })
    .await;
}

#[tokio::test]
async fn finds_no_task_by_an_id_that_cannot_be() {
    each_backend(async |store| {
        for id in ["", "nobody", "a\0b"] {
            let found = find(store, &Sight::All, &TaskId::from_text(id)).await.unwrap();
            assert_eq!(found, None, "case: {id:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_title_that_is_not_one_is_an_error_that_names_its_column() {
    each_backend(async |store| {
        store_tasks(store, &[("a", "d1", 1, "lin")]).await;
        execute(store, "UPDATE task SET title = '[]'".to_owned()).await;
        let error = standing(store).await.unwrap_err();
        assert!(error.to_string().starts_with("task.title holds what"), "{error}");
    })
    .await;
}

#[test]
fn a_cursor_is_only_what_a_page_gave() {
    for text in ["", "~", "1~", "~a", "x~a", "1~a\0b", "99999999999999999999~a"] {
        assert_eq!(text.parse::<TaskCursor>(), Err(TaskCursorError), "case: {text:?}");
    }
    let cursor: TaskCursor = "-5~a~b".parse().unwrap();
    assert_eq!(cursor.to_string(), "-5~a~b");
}

#[tokio::test]
async fn each_state_has_its_list_and_trials_count_for_nobody() {
    each_backend(async |store| {
        let names = ["new", "accepted", "done", "dismissed", "gone", "later", "at-it"];
        let tasks: Vec<_> = (1..).zip(names).map(|(at, id)| (id, "d1", at, "lin")).collect();
        store_tasks(store, &tasks).await;
        let mut tx = store.begin().await.unwrap();
        let done = Deed::Done { outcome: Outcome::Solved, note: None };
        let dismiss = Deed::Dismiss { reason: Words::new("a test").unwrap() };
        let snooze = Deed::Snooze { until: at(90), reason: Words::new("away").unwrap() };
        let acts = [
            ("accepted", Deed::Accept, Ok(())),
            ("accepted", Deed::Accept, Err(Refusal::Changed)),
            ("done", Deed::Accept, Ok(())),
            ("done", done, Ok(())),
            ("done", dismiss.clone(), Err(Refusal::Closed)),
            ("dismissed", dismiss, Ok(())),
            ("later", snooze, Ok(())),
            ("at-it", Deed::Start, Ok(())),
        ];
        for (id, deed, expected) in acts {
            let id = TaskId::from_text(id);
            let done = act(&mut tx, &id, &deed, at(20)).await;
            assert_eq!(done, expected, "case: {id} {deed:?}");
        }
        task::withdraw(&mut tx, &TaskId::from_text("gone"), at(21)).await.unwrap();
        let mut trial = sample("trial", "d1", 6);
        trial.stage = Stage::Shadow;
        task::create(&mut tx, &trial).await.unwrap();
        tx.commit().await.unwrap();

        let cases: [(StateFilter, &[&str]); 5] = [
            (StateFilter::Open, &["at-it", "accepted", "new"]),
            (StateFilter::Snoozed, &["later"]),
            (StateFilter::Closed, &["dismissed", "done"]),
            (StateFilter::Withdrawn, &["gone"]),
            (StateFilter::Trial, &["trial"]),
        ];
        for (state, expected) in cases {
            let filter = TaskFilter { state, ..TaskFilter::default() };
            let found = page(store, &Sight::All, &filter, None, 10).await.unwrap();
            assert_eq!(ids(&found.rows), expected, "case: {state:?}");
        }
        let today = Today { now: at(0), ends_at: at(600) };
        let counted = counts(store, &Sight::All, &OwnerFilter::Anyone, today).await.unwrap();
        assert_eq!((counted.all, counted.snoozed, counted.withdrawn), (3, 1, 1));
        let open = open_by_rule(store, &Sight::All).await.unwrap();
        let of = |stage| open.get(&("care".to_owned(), stage)).copied();
        assert_eq!((of(Stage::Live), of(Stage::Shadow)), (Some(4), Some(1)));
    })
    .await;
}
