//! Standard Webhooks, out and in.

use std::time::SystemTime;

use axum::http::{HeaderMap, HeaderName};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use upturn_connectors::deliver::channel::Progress;
use upturn_connectors::deliver::webhook::key::Keys;
use upturn_connectors::deliver::{Channel, Inbound};

use crate::channels::{self, KEY, OTHER_KEY, Site, letter, now};
use crate::server::{self, Server, say};

fn headers(id: &str, at: i64, signature: &str) -> HeaderMap {
    let pairs = [
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", at.to_string()),
        ("webhook-signature", signature.to_owned()),
    ];
    let pairs = pairs.map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
    pairs.into_iter().collect()
}

fn keys(texts: &[&str]) -> Keys {
    let site = Site::new("");
    let named = texts.iter().enumerate();
    let files: Vec<_> = named.map(|(n, text)| site.file(&format!("key{n}"), text)).collect();
    Keys::read("keys", &files).unwrap()
}

#[test]
fn signatures_are_those_of_the_specification() {
    let text = include_str!("../data/webhook-signatures.json");
    let vectors: Vec<Value> = serde_json::from_str(text).unwrap();
    assert_eq!(vectors.len(), 3);
    for vector in vectors {
        let text = |name: &str| vector[name].as_str();
        let (id, body) = (text("msg_id").unwrap(), text("payload").unwrap());
        let at = DateTime::from_timestamp(vector["timestamp"].as_i64().unwrap(), 0).unwrap();
        let keys = keys(&[text("secret").unwrap()]);
        if let Some(expected) = text("expect") {
            assert_eq!(keys.sign(id, at, body).unwrap(), expected, "{vector}");
        }
        let signature = text("header").or(text("expect")).unwrap();
        let verified = keys.verify(&headers(id, at.timestamp(), signature), body.as_bytes(), at);
        assert_eq!(verified.is_ok(), vector["valid"], "{vector}: {verified:?}");
    }
}

#[tokio::test]
async fn a_letter_is_posted_with_the_signatures_of_all_keys() {
    let server = Server::start(|_| server::json(202, &json!({"id": "crm-7"}))).await;
    let site = Site::new(&server.url);
    let files = [site.file("new", OTHER_KEY), site.file("old", &format!("{KEY}\n"))];
    let settings = json!({"url": format!("{}/hook?x=1", server.url), "secret_files": files});
    let channel = channels::build("webhook", &settings).unwrap();
    #[expect(clippy::disallowed_methods, reason = "the library that verifies asks for the time")]
    let now = DateTime::<Utc>::from(SystemTime::now());
    let mut letter = letter("task-amended");
    letter.remote = Some("crm-7".to_owned());
    let receipt = channel.send(&letter, now).await.unwrap();
    assert_eq!(receipt.remote.as_deref(), Some("crm-7"));

    let asked = &server.asked()[0];
    assert_eq!(asked.uri, "/hook?x=1");
    assert_eq!(asked.header("content-type"), "application/json");
    assert_eq!(asked.header("webhook-id"), letter.key);
    assert_eq!(asked.header("idempotency-key"), letter.key);
    assert_eq!(asked.header("webhook-timestamp"), now.timestamp().to_string());
    for key in [KEY, OTHER_KEY] {
        let receiver = standardwebhooks::Webhook::new(key).unwrap();
        receiver.verify(&asked.body, &asked.headers).unwrap();
    }
    let body = asked.json();
    assert_eq!(body["type"], "task.amended");
    assert_eq!(body["timestamp"], "2026-11-22T10:59:58.000Z");
    let data = &body["data"];
    assert_eq!(data["task"], "t1");
    assert_eq!(data["remote"], "crm-7");
    assert_eq!(data["reference"], "upturn:task:t1");
    assert_eq!(data["text"]["title"], "New task: charging failed");
    assert_eq!(data["grade"], "A");
}

#[tokio::test]
async fn a_repeated_letter_has_the_same_body_and_id() {
    let server = Server::start(|_| say(200, "<html>taken</html>")).await;
    let channel = Site::new(&server.url).channel("webhook");
    for seconds in [0, 60] {
        let at = now() + TimeDelta::seconds(seconds);
        channel.send(&letter("task-created"), at).await.unwrap();
    }
    let asked = server.asked();
    assert_eq!(asked[0].body, asked[1].body);
    assert_eq!(asked[0].header("webhook-id"), asked[1].header("webhook-id"));
    assert_ne!(asked[0].header("webhook-signature"), asked[1].header("webhook-signature"));
}

#[tokio::test]
async fn a_requirement_keeps_the_task_it_is_about() {
    let server = Server::start(|_| say(204, "")).await;
    let channel = Site::new(&server.url).channel("webhook");
    let mut letter = letter("requirement-created");
    letter.subject = "r9".to_owned();
    letter.body["task"] = json!("t1");
    channel.send(&letter, now()).await.unwrap();
    let data = &server.asked()[0].json()["data"];
    assert_eq!(data["reference"], "upturn:requirement:r9");
    assert_eq!((&data["subject"], &data["task"]), (&json!("r9"), &json!("t1")));
}

fn listening() -> Box<dyn Channel> {
    let site = Site::new("https://sales.example");
    let settings = json!({
        "url": "https://sales.example/hook",
        "secret_files": [site.file("out", KEY)],
        "inbound_secret_files": [
            site.file("new", OTHER_KEY),
            site.file("old", "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"),
        ],
    });
    channels::build("webhook", &settings).unwrap()
}

#[test]
fn word_is_taken_if_its_signature_and_time_are_right() {
    let channel = listening();
    let body =
        r#"{"type":"task.done","timestamp":"2026-11-22T12:00:00+01:00","data":{"task":"t1"}}"#;
    let at = now().timestamp();
    let sign = |key: &str, at: DateTime<Utc>| keys(&[key]).sign("d1", at, body).unwrap();
    let good = sign(OTHER_KEY, now());
    let old_key = sign("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", now());
    let strange = sign(KEY, now());
    let late = sign(OTHER_KEY, now() - TimeDelta::minutes(6));
    let ahead = sign(OTHER_KEY, now() + TimeDelta::minutes(6));
    let cases = [
        ("good", headers("d1", at, &good), body, ""),
        ("by the older key", headers("d1", at, &old_key), body, ""),
        ("among others", headers("d1", at, &format!("v1,AAAA v1a,x {good}")), body, ""),
        (
            "at the edge",
            headers("d1", at - 300, &sign(OTHER_KEY, now() - TimeDelta::minutes(5))),
            body,
            "",
        ),
        ("by our own key", headers("d1", at, &strange), body, "none of ours"),
        ("of another id", headers("d2", at, &good), body, "none of ours"),
        ("of another second", headers("d1", at + 1, &good), body, "none of ours"),
        (
            "of another body",
            headers("d1", at, &good),
            &body.replace("done", "open"),
            "none of ours",
        ),
        ("of half a signature", headers("d1", at, &good[..20]), body, "none of ours"),
        ("empty", headers("d1", at, ""), body, "none of ours"),
        ("late", headers("d1", at - 360, &late), body, "five minutes"),
        ("ahead", headers("d1", at + 360, &ahead), body, "five minutes"),
        ("without time", headers("d1", i64::MAX, &good), body, "no seconds"),
        ("without id", headers("", at, &good), body, "0 bytes"),
        ("without headers", HeaderMap::new(), body, "no header"),
    ];
    for (case, headers, body, expected) in cases {
        let received = channel.receive(&headers, body.as_bytes(), now());
        match received {
            Ok(inbound) => {
                let at = "2026-11-22T11:00:00Z".parse().unwrap();
                let told = Inbound {
                    id: "d1".to_owned(),
                    remote: None,
                    task: Some("t1".to_owned()),
                    progress: Progress::Done,
                    at: Some(at),
                };
                assert_eq!((inbound, expected), (told, ""), "case: {case}");
            }
            Err(error) => {
                let is_it = !expected.is_empty() && error.to_string().contains(expected);
                assert!(is_it, "case: {case}: {error}");
            }
        }
    }
    let silent = Site::new("https://sales.example").channel("webhook");
    let refused = silent.receive(&headers("d1", at, &good), body.as_bytes(), now());
    assert!(refused.unwrap_err().to_string().contains("inbound_secret_files"));
}

/// The record's and the task's id with the progress, or a part of the refusal.
type Told = Result<(&'static str, Option<&'static str>, Progress), &'static str>;

#[test]
fn word_says_what_became_of_which_task() {
    let channel = listening();
    let cases: &[(&[u8], Told)] = &[
        (
            br#"{"type": "task.dismissed", "data": {"remote": 512}}"#,
            Ok(("512", None, Progress::Dismissed)),
        ),
        (
            br#"{"type": "task.open", "data": {"remote": "a", "task": "t1", "more": 1}}"#,
            Ok(("a", Some("t1"), Progress::Open)),
        ),
        (br#"{"type": "task.exploded", "data": {"task": "t1"}}"#, Err("task.exploded")),
        (br#"{"type": "task.done", "data": {}}"#, Err("names no task")),
        (br#"{"type": "task.done", "data": {"task": ""}}"#, Err("names no task")),
        (
            br#"{"type": "task.done", "timestamp": "today", "data": {"task": "t1"}}"#,
            Err("is taken here"),
        ),
        (b"{", Err("is taken here")),
        (b"\xff", Err("no UTF-8")),
    ];
    for (body, expected) in cases {
        let text = String::from_utf8_lossy(body);
        let signature = keys(&[OTHER_KEY]).sign("d1", now(), &text).unwrap();
        let headers = headers("d1", now().timestamp(), &signature);
        match (channel.receive(&headers, body, now()), expected) {
            (Ok(inbound), Ok((remote, task, progress))) => {
                assert_eq!(inbound.remote.as_deref(), Some(*remote), "case: {text}");
                assert_eq!(inbound.task.as_deref(), *task, "case: {text}");
                assert_eq!(inbound.progress, *progress, "case: {text}");
            }
            (Err(error), Err(expected)) => {
                assert!(error.to_string().contains(expected), "case: {text}: {error}");
            }
            (received, _) => panic!("case: {text}: {received:?}"),
        }
    }
}

#[test]
fn keys_must_be_keys_and_differ_by_direction() {
    let site = Site::new("");
    let url = "https://sales.example/hook";
    let good = site.file("good", KEY);
    let bare = site.file("bare", KEY.trim_start_matches("whsec_"));
    let short = site.file("short", "whsec_AAAA");
    let words = site.file("words", "whsec_this is no Base64 at all, S3CR3T");
    let cases = [
        (json!({"url": url, "secret_files": [good]}), ""),
        (json!({"url": url, "secret_files": []}), "lists no file"),
        (json!({"url": url, "secret_files": [short]}), "holds no key"),
        (json!({"url": url, "secret_files": [words]}), "holds no key"),
        (json!({"url": url, "secret_files": [good, good, good, good, good]}), "at most 4"),
        (json!({"secret_files": [good]}), "either"),
        (json!({"url": url, "url_file": good, "secret_files": [good]}), "either"),
        (
            json!({"url": url, "secret_files": [good], "inbound_secret_files": [bare]}),
            "its own key",
        ),
    ];
    for (settings, expected) in cases {
        match channels::build("webhook", &settings) {
            Ok(channel) => {
                assert_eq!(expected, "", "case: {settings}");
                assert!(!format!("{channel:?}").contains("MfKQ9"), "{channel:?}");
            }
            Err(error) => {
                assert!(!expected.is_empty() && error.0.contains(expected), "{settings}: {error}");
                assert!(!error.0.contains("S3CR3T"), "{error}");
            }
        }
    }
}
