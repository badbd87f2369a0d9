//! Radicale.

use std::path::{Path, PathBuf};
use std::sync::Once;

use serde_json::{Value, json};
use tempfile::TempDir;
use upturn_connectors::deliver::Channel;
use upturn_connectors::deliver::channel::Progress;
use upturn_tests::proxy::{Proxy, Upstream};
use upturn_tests::target::Target;

use super::{channel, files_in, is_later, letter, now, says_no_secret, secret};

static SAID: Once = Once::new();

struct Radicale {
    target: Target,
    folder: TempDir,
}

impl Radicale {
    fn start() -> Option<Self> {
        let target = Target::start("radicale", &[], &SAID)?;
        Some(Self { target, folder: TempDir::new().unwrap() })
    }

    fn settings(&self, collection: &str) -> Value {
        json!({
            "collection": format!("{}{collection}/", self.target.get("URL")),
            "user": self.target.get("LOGIN"),
            "password_file": secret(&self.folder, "password", self.target.get("PASSWORD")),
        })
    }

    fn tasks(&self) -> Box<dyn Channel> {
        channel("caldav", &self.settings("VTODO"))
    }

    fn items(&self, collection: &str) -> Vec<PathBuf> {
        let path = format!("collections/collection-root/rep/{collection}");
        files_in(&Path::new(self.target.get("DIR")).join(path), ".ics")
    }

    fn item(&self) -> String {
        let items = self.items("VTODO");
        assert_eq!(items.len(), 1, "{items:?}");
        std::fs::read_to_string(&items[0]).unwrap().replace("\r\n ", "")
    }
}

#[tokio::test]
async fn a_task_is_one_item_whatever_happens_on_the_way() {
    let Some(radicale) = Radicale::start() else { return };
    let tasks = radicale.tasks();
    let first = letter("task-created", "t1", "a");
    assert_eq!(tasks.find(&first).await, Ok(None));
    let receipt = tasks.send(&first, now()).await.unwrap();
    assert_eq!((receipt.remote.as_deref(), receipt.was_there), (Some("upturn-task-t1.ics"), false));
    assert!(tasks.send(&first, now()).await.unwrap().was_there, "a repetition");
    assert!(tasks.find(&first).await.unwrap().unwrap().was_there);
    let item = radicale.item();
    assert!(item.contains("SUMMARY:连续三次充电失败 (EVSE-0042)"), "{item}");
    assert!(item.contains("DUE:20260120T100000Z"), "{item}");

    // The answer is lost, after the item was made.
    let port = radicale.target.get("URL").split([':', '/']).nth(4).unwrap().parse().unwrap();
    let line = Proxy::to(Upstream::Port(port));
    let mut settings = radicale.settings("VTODO");
    settings["collection"] = json!(format!("http://127.0.0.1:{}/rep/VTODO/", line.port));
    let unsure = channel("caldav", &settings);
    line.lose_answers();
    let second = letter("task-created", "t2", "a");
    let failure = unsure.send(&second, now()).await.unwrap_err();
    assert!(is_later(&failure), "{failure:?}");
    says_no_secret(radicale.target.get("PASSWORD"), &*unsure, &failure);
    line.heal();
    assert_eq!(radicale.items("VTODO").len(), 2, "it arrived");
    assert!(unsure.find(&second).await.unwrap().unwrap().was_there);
    assert!(unsure.send(&second, now()).await.unwrap().was_there);
    assert_eq!(radicale.items("VTODO").len(), 2);
}

#[tokio::test]
async fn what_is_closed_there_is_told_and_stays_closed() {
    let Some(radicale) = Radicale::start() else { return };
    let tasks = radicale.tasks();
    let receipt = tasks.send(&letter("task-created", "t1", "a"), now()).await.unwrap();
    let remotes = [receipt.remote.unwrap(), "upturn-task-gone.ics".to_owned()];
    let states = tasks.states(&remotes).await.unwrap();
    assert_eq!(states.len(), 1, "what is not there is left out: {states:?}");
    assert_eq!(states[0].progress, Progress::Open);

    let mut amended = letter("task-amended", "t1", "b");
    amended.body["due_at"] = json!("2026-01-21T10:00:00Z");
    amended.remote = Some(remotes[0].clone());
    assert!(!tasks.send(&amended, now()).await.unwrap().was_there);
    assert!(tasks.send(&amended, now()).await.unwrap().was_there, "a repetition");
    assert!(radicale.item().contains("DUE:20260121T100000Z"), "{}", radicale.item());

    // A person closes it there.
    let path = radicale.items("VTODO").remove(0);
    let closed = std::fs::read_to_string(&path).unwrap().replace("NEEDS-ACTION", "COMPLETED");
    std::fs::write(&path, closed.replace("END:VTODO", "COMPLETED:20260120T083000Z\r\nEND:VTODO"))
        .unwrap();
    let states = tasks.states(&remotes).await.unwrap();
    assert_eq!(states[0].progress, Progress::Done);
    assert_eq!(states[0].at.unwrap().to_rfc3339(), "2026-01-20T08:30:00+00:00");
    for (kind, cause) in [("task-amended", "c"), ("task-accepted", "d"), ("task-withdrawn", "e")] {
        tasks.send(&letter(kind, "t1", cause), now()).await.unwrap();
        assert!(radicale.item().contains("STATUS:COMPLETED"), "case: {kind}");
    }

    // Closed here, of several at a time, each gets through.
    tasks.send(&letter("task-created", "t2", "a"), now()).await.unwrap();
    let (x, y) = (letter("task-amended", "t2", "x"), letter("task-contradicted", "t2", "y"));
    let done = letter("task-done", "t2", "z");
    let sent = tokio::join!(tasks.send(&x, now()), tasks.send(&y, now()), tasks.send(&done, now()));
    assert!(sent.0.is_ok() && sent.1.is_ok() && sent.2.is_ok(), "{sent:?}");
    let states = tasks.states(&["upturn-task-t2.ics".to_owned()]).await.unwrap();
    assert_eq!(states[0].progress, Progress::Done);
    let gone = tasks.send(&letter("task-withdrawn", "t3", "a"), now()).await.unwrap();
    assert_eq!((gone.remote, radicale.items("VTODO").len()), (None, 2), "nothing to take back");
}

#[tokio::test]
async fn a_test_says_what_is_wrong_and_leaves_nothing() {
    let Some(radicale) = Radicale::start() else { return };
    let said = radicale.tasks().test(now()).await.unwrap();
    assert!(said.contains("takes VTODO"), "{said}");
    let mut appointment = radicale.settings("VEVENT");
    appointment["component"] = json!("appointment");
    let appointments = channel("caldav", &appointment);
    appointments.test(now()).await.unwrap();
    assert_eq!(radicale.items("VTODO").len() + radicale.items("VEVENT").len(), 0);
    appointments.send(&letter("task-created", "t1", "a"), now()).await.unwrap();
    assert!(appointments.send(&letter("task-created", "t1", "a"), now()).await.unwrap().was_there);
    assert_eq!(radicale.items("VEVENT").len(), 1);

    let canary = "wrong-S3CR3T-canary";
    let mut wrong = radicale.settings("VTODO");
    wrong["password_file"] = json!(secret(&radicale.folder, "wrong", canary));
    let nowhere = radicale.settings("nowhere");
    let events = radicale.settings("VEVENT");
    let cases = [(wrong, "401"), (nowhere, "40"), (events, "takes no VTODO")];
    for (settings, expected) in cases {
        let channel = channel("caldav", &settings);
        let failure = channel.test(now()).await.unwrap_err();
        assert!(is_later(&failure) && failure.to_string().contains(expected), "{failure}");
        says_no_secret(canary, &*channel, &failure);
    }
}
