//! Every channel against a server that does its worst: bounded, explained, no secret told, nobody
//! else called.

use std::time::Duration;

use axum::response::Response;
use chrono::TimeDelta;
use serde_json::json;
use upturn_connectors::deliver::Failure;

use crate::channels::{self, CANARY, CHANNELS, Site, letter, now};
use crate::server::{self, Asked, Server, say, with};

/// What is to follow.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Follows {
    /// Try again later, after so many seconds if the server says so.
    Later(Option<u64>),
    Refused,
    Off,
    /// By Standard Webhooks the status alone counts: webhooks are taken, the others try again.
    LaterOrTaken,
}

use Follows::{Later, LaterOrTaken, Off, Refused};

struct Case(&'static str, fn(&Asked) -> Response, Follows, &'static str);

const CASES: &[Case] = &[
    Case("a web page", |_| say(200, "<!doctype html><h1>Welcome</h1>"), LaterOrTaken, "a web page"),
    Case("nothing", |_| say(200, ""), LaterOrTaken, "nothing"),
    Case("other JSON", |_| say(200, r#"{"ok": true}"#), LaterOrTaken, "does not promise"),
    Case("half of JSON", |_| say(200, r#"{"id": "#), LaterOrTaken, "does not promise"),
    Case("a number", |_| say(200, "42"), LaterOrTaken, "does not promise"),
    Case("deep JSON", |_| say(200, "[".repeat(100_000)), LaterOrTaken, "does not promise"),
    Case(
        "no UTF-8",
        |_| say(200, &b"{\"errcode\": 0, \"id\": \"\xff\", \"code\": 0}"[..]),
        LaterOrTaken,
        "does not promise",
    ),
    Case("without end", |_| say(200, server::endless()), Later(None), "more than 1048576 bytes"),
    Case(
        "10 GB announced",
        |_| with(say(200, server::endless()), "content-length", "10000000000"),
        Later(None),
        "more than 1048576 bytes",
    ),
    Case(
        "a thousand headers",
        |_| {
            let mut answer = say(200, "");
            for number in 0..1_000 {
                let name = axum::http::HeaderName::try_from(format!("x-{number}")).unwrap();
                answer.headers_mut().insert(name, "x".parse().unwrap());
            }
            answer
        },
        Later(None),
        "more headers than are read",
    ),
    Case(
        "cut in the middle",
        |_| say(200, server::torn("{\"id\"")),
        Later(None),
        "cannot be reached",
    ),
    Case("401", |_| say(401, "who?"), Later(None), "check the key or token"),
    Case("403", |_| say(403, "no"), Later(None), "check the key or token"),
    Case("404", |_| say(404, "<h1>Not found</h1>"), Later(None), "check the address"),
    Case("400", |_| say(400, "no such field"), Refused, "no such field"),
    Case("413", |_| say(413, ""), Refused, "413"),
    Case("408", |_| say(408, ""), Later(None), "408"),
    Case("410", |_| say(410, ""), Off, "gone"),
    Case("429", |_| say(429, "slow down"), Later(None), "slow down"),
    Case("429 for 2 min", |_| with(say(429, ""), "retry-after", "120"), Later(Some(120)), "429"),
    Case(
        "503 for a year",
        |_| with(say(503, ""), "retry-after", "31536000"),
        Later(Some(3_600)),
        "503",
    ),
    Case(
        "429 until a date",
        |_| {
            let answer = with(say(429, ""), "retry-after", "Sun, 22 Nov 2026 11:01:30 GMT");
            with(answer, "date", "Sun, 22 Nov 2026 11:00:00 GMT")
        },
        Later(Some(90)),
        "429",
    ),
    Case("500", |_| say(500, "oops\u{0}\r\n\u{1b}[31m"), Later(None), "oops"),
    Case("502", |_| say(502, "x".repeat(100_000)), Later(None), "xxx…"),
    // What was sent comes back, in all the ways it can.
    Case("an echo, 200", |asked| say(200, echo(asked)), LaterOrTaken, "***"),
    Case("an echo, 400", |asked| say(400, echo(asked)), Refused, "***"),
    Case("an echo, 401", |asked| say(401, echo(asked)), Later(None), "***"),
    Case("an echo, 500", |asked| say(500, echo(asked)), Later(None), "***"),
    Case(
        "an echo in a sentence",
        |asked| server::json(500, &json!({"message": echo(asked), "errmsg": echo(asked)})),
        Later(None),
        "***",
    ),
];

fn echo(asked: &Asked) -> String {
    let authorization = asked.headers.get("authorization").map(|value| value.to_str().unwrap());
    let body = String::from_utf8_lossy(&asked.body);
    format!("{} {} {body}", asked.uri, authorization.unwrap_or_default())
}

/// Checks what a try led to.
fn check<T: std::fmt::Debug>(case: &str, got: Result<T, Failure>, follows: Follows, says: &str) {
    let failure = match (got, follows) {
        (Ok(_), LaterOrTaken) if case.starts_with("webhook") => return,
        (Ok(got), _) => panic!("{case}: taken: {got:?}"),
        (Err(failure), _) => failure,
    };
    let text = failure.to_string();
    assert!(!format!("{failure:?}").contains(CANARY), "{case}: {text}");
    assert!(text.chars().count() < 500, "{case}: {text}");
    assert!(!text.contains(char::is_control), "{case}: {text:?}");
    // Where nothing secret is sent back, there is nothing to mask.
    let says = if says == "***" { "it answered" } else { says };
    assert!(text.contains(says), "{case}: {text}");
    match (failure, follows) {
        (Failure::Later { after, .. }, Later(seconds)) => {
            assert_eq!(after, seconds.map(Duration::from_secs), "{case}: {text}");
        }
        (Failure::Later { after: None, .. }, LaterOrTaken)
        | (Failure::Refused { .. }, Refused)
        | (Failure::Off { .. }, Off) => {}
        (failure, _) => panic!("{case}: {failure:?}, not {follows:?}"),
    }
}

#[tokio::test]
async fn whatever_a_server_answers_is_bounded_and_explained() {
    for kind in CHANNELS {
        for Case(case, answer, follows, says) in CASES {
            let case = format!("{kind}: {case}");
            let server = Server::start(|asked| {
                let is_sign_in = asked.uri.path().ends_with("/oauth2/token");
                if is_sign_in { channels::granted() } else { answer(asked) }
            });
            let server = server.await;
            let channel = Site::new(&server.url).channel(kind);
            check(&case, channel.send(&letter("task-created"), now()).await, *follows, says);
            assert!(server.lines().len() < 6, "{case}: {:?}", server.lines());
            assert!(!format!("{channel:?}").contains(CANARY), "{case}: {channel:?}");
        }
    }
}

#[tokio::test]
async fn signing_in_fails_as_well_as_anything() {
    for Case(case, answer, follows, says) in CASES {
        let server = Server::start(answer).await;
        let channel = Site::new(&server.url).channel("salesforce");
        // Being refused there concerns every letter, and nothing is quoted that can be a token.
        let (follows, says) = match follows {
            Refused => (Later(None), "signing in: it answered"),
            LaterOrTaken => (Later(None), "without a token"),
            Later(_) | Off => (*follows, *says),
        };
        check(case, channel.send(&letter("task-created"), now()).await, follows, says);
        assert_eq!(server.lines(), ["POST /services/oauth2/token"], "{case}");
    }
}

#[tokio::test]
async fn questions_fail_as_well_as_letters() {
    for kind in ["hubspot", "odoo", "odoo-lead", "salesforce"] {
        for Case(case, answer, follows, says) in CASES {
            let case = format!("{kind}: {case}");
            let server = Server::start(|asked| {
                let is_sign_in = asked.uri.path().ends_with("/oauth2/token");
                if is_sign_in { channels::granted() } else { answer(asked) }
            });
            let server = server.await;
            let channel = Site::new(&server.url).channel(kind);
            let remote = if kind == "salesforce" { "00TD000000IqhSLIAZ" } else { "512" };
            check(&case, channel.states(&[remote.to_owned()]).await, *follows, says);
            check(&case, channel.find(&letter("task-created")).await, *follows, says);
            check(&case, channel.test(now()).await, *follows, says);
        }
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let canary = Server::start(|_| say(200, "{}")).await;
    for kind in CHANNELS {
        for status in [301, 302, 303, 307, 308] {
            let inside = format!("{}/latest/meta-data", canary.url);
            let server = Server::start(move |_| with(say(status, ""), "location", &inside)).await;
            let channel = Site::new(&server.url).channel(kind);
            let case = format!("{kind}: {status}");
            let got = channel.send(&letter("task-created"), now()).await;
            check(&case, got, Later(None), "set the final address");
            check(&case, channel.test(now()).await, Later(None), "set the final address");
        }
    }
    assert_eq!(canary.lines(), [""; 0]);
}

#[tokio::test]
async fn what_comes_too_late_is_not_waited_for() {
    let never: fn(&Asked) -> Response = |_| server::never();
    let halfway: fn(&Asked) -> Response = |_| say(200, server::stuck("{\"id\": "));
    for kind in CHANNELS {
        for answer in [never, halfway] {
            let server = Server::start(answer).await;
            let channel = Site::new(&server.url).hasty(kind);
            let got = channel.send(&letter("task-created"), now()).await;
            check(kind, got, Later(None), "did not answer within 300ms");
        }
    }
}

#[tokio::test]
async fn what_speaks_no_http_or_not_at_all_is_said_so() {
    for kind in CHANNELS {
        let server = Server::raw(b"SSH-2.0-OpenSSH_9.9\r\n").await;
        let site = Site::new(&server.url);
        let got = site.channel(kind).send(&letter("task-created"), now()).await;
        check(kind, got, Later(None), "cannot be reached");
        drop(server);
        let got = site.channel(kind).send(&letter("task-created"), now()).await;
        check(kind, got, Later(None), "cannot be reached");
    }
}

#[tokio::test]
async fn a_good_server_takes_letters_also_twice() {
    for kind in CHANNELS {
        let server = Server::start(move |asked| channels::good(kind, asked)).await;
        let site = Site::new(&server.url);
        let channel = site.channel(kind);
        for _ in 0..2 {
            let receipt = channel.send(&letter("task-created"), now()).await;
            let is_kept = !["dingtalk", "feishu", "webhook", "wecom"].contains(&kind);
            assert_eq!(receipt.unwrap().remote.is_some(), is_kept, "{kind}");
        }
        assert!(!channel.test(now()).await.unwrap().contains(CANARY), "{kind}");
        for digest in [letter("digest"), letter("feedback-created")] {
            channel.send(&digest, now() + TimeDelta::seconds(1)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_without_telling_secrets() {
    let site = Site::new("http://169.254.169.254");
    for kind in CHANNELS {
        let error = channels::build(kind, &site.settings(kind)).unwrap_err();
        assert!(error.0.contains("not a public address"), "{kind}: {error}");
        assert!(!error.0.contains(CANARY), "{kind}: {error}");

        let mut settings = Site::new("https://api.example.com").settings(kind);
        let error = channels::build(kind, &settings).unwrap_err();
        assert!(error.0.contains("cannot be read"), "{kind}: the folder is gone: {error}");

        settings["unheard"] = json!(1);
        let error = channels::build(kind, &settings).unwrap_err();
        assert!(error.0.contains("unheard"), "{kind}: {error}");
    }
}
