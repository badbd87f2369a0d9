//! Destinations in trouble, beside one that works: it gets everything, and waits for none of them.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use upturn_tests::binary::wait_for;
use upturn_tests::http;
use upturn_tests::site::{Plan, Site, THREE_FAILURES};
use upturn_tests::stranger::{Asked, Reply, Stranger, answer};

/// Tasks that every destination is told of.
const TASKS: usize = 5;
/// Longer than an exchange over HTTP may take, by a second.
const TOO_LATE: Duration = Duration::from_secs(31);

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Adds a destination to an installation that does not run yet.
fn destination(site: &Site, kind: &str, id: &str, stranger: &Stranger) {
    let folder = site.folder.path();
    let address = format!("http://127.0.0.1:{}/hook", stranger.port);
    write(&folder.join("key"), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    write(&folder.join(format!("address-{id}")), &address);
    let key = match kind {
        "webhook" => format!("secret_files = [\"{}\"]\n", folder.join("key").display()),
        _ => String::new(),
    };
    let text = format!(
        "id = \"{id}\"\nkind = \"{kind}\"\ntitle = {{ en = \"{id}\" }}\n[settings]\n{key}\
         url_file = \"{}\"\n",
        folder.join(format!("address-{id}")).display()
    );
    write(&folder.join(format!("delivery/destinations/{id}.toml")), &text);
    let route = format!("id = \"{id}\"\non = [\"task-created\"]\nto = \"{id}\"\nhold = \"1ms\"\n");
    write(&folder.join(format!("delivery/routes/{id}.toml")), &route);
}

fn letters(site: &Site, destination: &str) -> Vec<Value> {
    let path = format!("/api/v1/letters?destination={destination}");
    http::json(site.web, &path)["letters"].as_array().unwrap().clone()
}

fn sent(site: &Site, destination: &str) -> usize {
    letters(site, destination).iter().filter(|letter| letter["state"] == "sent").count()
}

/// Waits until something went wrong at `destination`, and returns what.
fn trouble(site: &Site, destination: &str) -> String {
    wait_for(&format!("trouble of {destination}"), || {
        let letters = letters(site, destination);
        letters.iter().find_map(|letter| letter["last_error"].as_str().map(str::to_owned))
    })
}

/// Returns the keys of the letters that were posted, in the order of their coming.
fn keys(stranger: &Stranger) -> Vec<String> {
    let key = |asked: &Asked| {
        let line = asked.head.lines().find_map(|line| line.strip_prefix("webhook-id: "));
        line.unwrap().to_owned()
    };
    stranger.asked().iter().map(key).collect()
}

fn taken(_: &Asked) -> Reply {
    answer("200 OK", "application/json", "{}")
}

/// Returns a whole answer, and another one that nobody asked for, on a line that stays open.
fn twice(_: &Asked) -> Reply {
    Reply::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".repeat(2))
}

#[test]
fn whatever_one_destination_does_the_others_get_their_letters_at_once() {
    let mut site =
        Site::install(&Plan { rules: vec![THREE_FAILURES.to_owned()], ..Plan::default() });
    let inner = Stranger::http(taken);
    let away = format!("HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:{}/\r\n\r\n", inner.port);
    let late = Reply::Late(TOO_LATE, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_vec());
    let refusal = r#"{"errcode": 93000, "errmsg": "no such bot"}"#;
    let good = Stranger::http(taken);
    let hanging = Stranger::http(|_| Reply::Nothing);
    let flooding = Stranger::http(|_| Reply::Flood(10 << 30));
    let slow = Stranger::http(move |_| late.clone());
    let doubling = Stranger::http(twice);
    let moved = Stranger::http(move |_| Reply::Bytes(away.clone().into_bytes()));
    let page = Stranger::http(|_| answer("200 OK", "text/html", "<html>welcome</html>"));
    let refusing = Stranger::http(move |_| answer("200 OK", "application/json", refusal));
    for (kind, id, stranger) in [
        ("webhook", "flooding", &flooding),
        ("webhook", "hanging", &hanging),
        ("webhook", "late", &slow),
        ("webhook", "moved", &moved),
        ("webhook", "twice", &doubling),
        ("webhook", "works", &good),
        ("wecom", "page", &page),
        ("wecom", "refusing", &refusing),
    ] {
        destination(&site, kind, id, stranger);
    }
    let dir = site.folder.path().join("delivery").display().to_string();
    site.configure(&format!(
        "[delivery]\ndir = \"{dir}\"\n[http]\nallow_private = [\"127.0.0.1\"]\n"
    ));
    site.start_again();
    let before = site.running().memory();

    make_tasks(&site);
    wait_for("all letters of the one that works", || (sent(&site, "works") == TASKS).then_some(()));
    for (name, stuck) in [("hanging", &hanging), ("late", &slow)] {
        assert_eq!((stuck.asked().len(), stuck.waiting()), (1, 1), "{name}: its first call lasts");
        assert_eq!(sent(&site, name), 0, "{name}");
    }
    let mut written = letters(&site, "works");
    written.reverse();
    let written: Vec<_> = written.iter().map(|letter| letter["key"].as_str().unwrap()).collect();
    assert_eq!(keys(&good), written, "each once, in order");

    wait_for("all letters of twice", || (sent(&site, "twice") == TASKS).then_some(()));
    let told: BTreeSet<_> = keys(&doubling).into_iter().collect();
    assert_eq!((told.len(), keys(&doubling).len()), (TASKS, TASKS), "each once");
    for (id, says) in [
        ("flooding", "more than 1048576 bytes"),
        ("moved", "redirects are not followed"),
        ("page", "a web page"),
        ("refusing", "no such bot"),
        ("hanging", "did not answer within 30s"),
        ("late", "did not answer within 30s"),
    ] {
        let said = trouble(&site, id);
        assert!(said.contains(says), "{id}: {said}");
        assert_eq!(sent(&site, id), 0, "{id}");
    }
    assert!(inner.asked().is_empty(), "nobody follows to where it points");
    let grown = site.running().memory().saturating_sub(before);
    assert!(grown < 256 << 20, "grown by {grown} bytes");
}

/// Has a device fail three times, for each task.
fn make_tasks(site: &Site) {
    let failures: Vec<Value> = (0..TASKS)
        .flat_map(|device| (0..3).map(move |number| (device, number)))
        .map(|(device, number)| {
            json!({ "id": format!("{device}-{number}"), "kind": "charge_failed",
                "device": format!("evse-{device}"), "ts": format!("2026-01-20T08:0{number}:00Z") })
        })
        .collect();
    let posted = http::post(site.web, "/api/v1/events", &json!(failures)).unwrap();
    assert_eq!(posted.0, 200, "{posted:?}");
}
